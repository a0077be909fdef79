/* SPDX-License-Identifier: BSD-2-Clause */
/* The records at the end of a signal frame: the vector registers, the fault's syndrome. */
#pragma once

#include "lib/types.h"

/* Where the records of one frame lie, from the first on; 0: there is none of that kind. */
struct sigrecords {
	uint32_t esr_at, extra_at, sve_at;
	uint32_t sve_size; /* with its head */
	uint32_t size;	   /* of all together, a multiple of 16 */
};

/* Bring the task's vector registers into their image, and plan its records: at least as much room
 * as struct sigcontext has. */
void sigrecords_plan(struct sigrecords *r);
/* Write them to user memory. -EFAULT. */
int sigrecords_push(uint64_t to, const struct sigrecords *r);
/* Take over the vector registers from there; a frame that reaches beyond last is too long. -EINVAL,
 * -EFAULT, -ENOMEM: no V register has changed then. */
int sigrecords_pop(uint64_t from, uint64_t last);
/* The room for the records of the longest vectors. */
uint32_t sigrecords_most(void);
