/* SPDX-License-Identifier: BSD-2-Clause */
/* For libfdt.h, which asks for the C library's. */
#pragma once

#include "lib/string.h"
