/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ChaCha20 block function, RFC 8439 section 2.3: the generator behind entropy.c.
 * Pure; the machine is little-endian, as the format is.
 */
#include "drivers/chacha.h"

#include "lib/string.h"

#define ROUNDS 20

static uint32_t rotate(uint32_t v, unsigned n)
{
	return v << n | v >> (32 - n);
}

static void quarter_round(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
	*a += *b, *d = rotate(*d ^ *a, 16);
	*c += *d, *b = rotate(*b ^ *c, 12);
	*a += *b, *d = rotate(*d ^ *a, 8);
	*c += *d, *b = rotate(*b ^ *c, 7);
}

void chacha_block(uint8_t out[CHACHA_BLOCK], const uint8_t key[CHACHA_KEY], uint32_t counter,
		  const uint8_t nonce[12])
{
	uint32_t start[16], s[16];

	memcpy(&start[0], "expand 32-byte k", 16);
	memcpy(&start[4], key, CHACHA_KEY);
	start[12] = counter;
	memcpy(&start[13], nonce, 12);
	memcpy(s, start, sizeof(s));
	for (unsigned round = 0; round < ROUNDS; round += 2) {
		for (unsigned i = 0; i < 4; i++)
			quarter_round(&s[i], &s[4 + i], &s[8 + i], &s[12 + i]);
		for (unsigned i = 0; i < 4; i++)
			quarter_round(&s[i], &s[4 + (i + 1) % 4], &s[8 + (i + 2) % 4],
				      &s[12 + (i + 3) % 4]);
	}
	for (unsigned i = 0; i < 16; i++)
		s[i] += start[i];
	memcpy(out, s, CHACHA_BLOCK);
}
