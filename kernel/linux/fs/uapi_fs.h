/* SPDX-License-Identifier: BSD-2-Clause */
/* <linux/fs.h> (SEEK_*, RENAME_*, BLK* ioctls) without its own idea of BLOCK_SIZE. */
#pragma once

#include "lib/types.h"

#pragma push_macro("BLOCK_SIZE")
#undef BLOCK_SIZE
#include <linux/fs.h>
#pragma pop_macro("BLOCK_SIZE")
