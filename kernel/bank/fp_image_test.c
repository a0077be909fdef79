/* SPDX-License-Identifier: BSD-2-Clause */
/* Images of vector registers from one form to the other, at every length. */
#include "bank/fp_image.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"

static uint8_t v[V_BYTES], back[V_BYTES];

static void fill(uint8_t *at, size_t size)
{
	for (size_t n = 0; n < size; n++)
		at[n] = (uint8_t)(rand() >> 7);
}

TEST(the_sizes_are_those_of_the_manual)
{
	expect_eq(SVE_BYTES(1), 546);
	expect_eq(SVE_BYTES(4), 2184);
	expect_eq(SVE_BYTES(16), 8736);
}

TEST(widening_adds_zeros_and_narrowing_takes_them_away)
{
	for (unsigned vq = 1; vq <= SVE_VQ_LIMIT; vq++) {
		uint8_t *sve = malloc(SVE_BYTES(vq));
		unsigned others = 0, wrong = 0;

		fill(v, sizeof(v));
		fill(sve, SVE_BYTES(vq));
		fp_image_widen(sve, v, vq);
		for (unsigned at = 0; at < SVE_BYTES(vq); at++) {
			bool low = at < SVE_P_OFFSET(vq) && at % Z_SIZE(vq) < V_SIZE;

			others += !low && sve[at];
			wrong += low && sve[at] != v[at / Z_SIZE(vq) * V_SIZE + at % Z_SIZE(vq)];
		}
		expect_eq(others, 0);
		expect_eq(wrong, 0);
		fp_image_narrow(back, sve, vq);
		expect(!memcmp(back, v, sizeof(v)));
		free(sve);
	}
}

TEST(merging_leaves_all_else)
{
	for (unsigned vq = 1; vq <= SVE_VQ_LIMIT; vq++) {
		uint8_t *sve = malloc(SVE_BYTES(vq)), *before = malloc(SVE_BYTES(vq));
		unsigned changed = 0;

		fill(v, sizeof(v));
		fill(sve, SVE_BYTES(vq));
		memcpy(before, sve, SVE_BYTES(vq));
		fp_image_merge(sve, v, vq);
		fp_image_narrow(back, sve, vq);
		expect(!memcmp(back, v, sizeof(v)));
		for (unsigned at = 0; at < SVE_BYTES(vq); at++)
			changed += sve[at] != before[at] &&
				   (at >= SVE_P_OFFSET(vq) || at % Z_SIZE(vq) >= V_SIZE);
		expect_eq(changed, 0);
		free(sve);
		free(before);
	}
}
