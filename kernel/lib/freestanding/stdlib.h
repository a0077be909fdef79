/* SPDX-License-Identifier: BSD-2-Clause */
/* libfdt.h asks for it and takes nothing from it. */
#pragma once
