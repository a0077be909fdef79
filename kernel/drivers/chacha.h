/* SPDX-License-Identifier: BSD-2-Clause */
/* The ChaCha20 block function (RFC 8439 2.3). Pure. */
#pragma once

#include "lib/types.h"

#define CHACHA_KEY   32
#define CHACHA_BLOCK 64

/* 64 bytes of key stream for that counter and nonce. */
void chacha_block(uint8_t out[CHACHA_BLOCK], const uint8_t key[CHACHA_KEY], uint32_t counter,
		  const uint8_t nonce[12]);
