/* SPDX-License-Identifier: BSD-2-Clause */
/* Offsets in struct vcpu for world.S; world.c asserts them. */
#define VCPU_X	    0
#define VCPU_PC	    248
#define VCPU_PSTATE 256

/* What world_run() returns: the kind of exception that ended it. */
#define WORLD_SYNC   0
#define WORLD_IRQ    1
#define WORLD_FIQ    2
#define WORLD_SERROR 3
