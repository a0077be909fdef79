/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From one form of the vector registers in memory to the other (pure). Entered from fp.c, and from
 * who changes images: signal frames, ONE_REG.
 */
#include "bank/fp_image.h"

#include "lib/string.h"

void fp_image_narrow(void *v, const void *sve, unsigned vq)
{
	for (unsigned n = 0; n < V_COUNT; n++)
		memcpy((char *)v + n * V_SIZE, (const char *)sve + n * Z_SIZE(vq), V_SIZE);
}

void fp_image_merge(void *sve, const void *v, unsigned vq)
{
	for (unsigned n = 0; n < V_COUNT; n++)
		memcpy((char *)sve + n * Z_SIZE(vq), (const char *)v + n * V_SIZE, V_SIZE);
}

void fp_image_widen(void *sve, const void *v, unsigned vq)
{
	memset(sve, 0, SVE_BYTES(vq));
	fp_image_merge(sve, v, vq);
}
