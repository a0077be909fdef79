/* SPDX-License-Identifier: BSD-2-Clause */
/* Bit fields by one mask, so that reading and writing a field cannot disagree; and alignment. */
#pragma once

#include <stdint.h>

#define BIT(n)		     (UINT64_C(1) << (n))
#define BITS(hi, lo)	     ((~UINT64_C(0) >> (63 - (hi))) & (~UINT64_C(0) << (lo)))
#define field_get(mask, val) ((uint64_t)(((uint64_t)(val) & (mask)) / ((mask) & -(mask))))
#define field_set(mask, val) (((uint64_t)(val) * ((mask) & -(mask))) & (mask))

/* Round to a multiple of a, a power of two. */
#define align_down(x, a) ((x) & ~((__typeof__(x))(a) - 1))
#define align_up(x, a)	 align_down((x) + (__typeof__(x))(a) - 1, a)
#define is_aligned(x, a) (((x) & ((__typeof__(x))(a) - 1)) == 0)

#define min(a, b)                                                                                  \
	({                                                                                         \
		__typeof__(a) a_ = (a);                                                            \
		__typeof__(b) b_ = (b);                                                            \
		a_ < b_ ? a_ : b_;                                                                 \
	})
#define max(a, b)                                                                                  \
	({                                                                                         \
		__typeof__(a) a_ = (a);                                                            \
		__typeof__(b) b_ = (b);                                                            \
		a_ > b_ ? a_ : b_;                                                                 \
	})
