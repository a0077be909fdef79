/* SPDX-License-Identifier: BSD-2-Clause */
/* Which Stet this is. */
#pragma once

#define STET_VERSION "0.1"
