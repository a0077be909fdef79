/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How vector registers lie in memory. Two forms: the V registers, 32 of 16 bytes; or, for a vector
 * length of vq quadwords, SVE's Z0-Z31 (16 * vq bytes each), P0-P15 (2 * vq) and FFR (2 * vq), one
 * after the other, as fp_regs.S moves them and as signal frames and ptrace have them. V registers
 * are the lowest 16 bytes of Z registers.
 */
#pragma once

#include "lib/types.h"

#define SVE_VQ_LIMIT 16u /* quadwords of the longest vector there can be: 2048 bits */

#define V_SIZE		   16u
#define V_COUNT		   32u
#define P_COUNT		   16u
#define V_BYTES		   (V_SIZE * V_COUNT)
#define Z_SIZE(vq)	   (16u * (vq))
#define P_SIZE(vq)	   (2u * (vq))
#define SVE_P_OFFSET(vq)   (V_COUNT * Z_SIZE(vq))
#define SVE_FFR_OFFSET(vq) (SVE_P_OFFSET(vq) + P_COUNT * P_SIZE(vq))
#define SVE_BYTES(vq)	   (SVE_FFR_OFFSET(vq) + P_SIZE(vq))

/* v = the V registers of an SVE image. */
void fp_image_narrow(void *v, const void *sve, unsigned vq);
/* sve = v and zeros. */
void fp_image_widen(void *sve, const void *v, unsigned vq);
/* The V registers of an SVE image = v; all else of it stays. */
void fp_image_merge(void *sve, const void *v, unsigned vq);
