/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A context's vector registers as one value, of either class: V registers alone, or all of SVE at a
 * vector length; with FPSR and FPCR. Filled, loaded, stored and compared by guests and programs
 * alike, and by ONE_REG. What the torture tests are made of.
 */
#pragma once
#include <stdint.h>
#include "tests/kvm/lib/fp.h"
#include "tests/kvm/lib/vm.h"
#include "tests/lib/sve.h"

#define FPSR_BITS 0x0800009f
#define FPCR_BITS 0x07c00000
#define CPACR_FP  (3 << 20)
#define CPACR_SVE (3 << 16)

struct state {
	uint64_t vl; /* bytes; 0: V registers alone */
	struct sve_image sve;
	struct fp_regs fp; /* of SVE's: fpsr and fpcr alone */
};

void state_fill(struct state *s, unsigned vl, uint64_t seed);

/* In guests and programs; they clobber d8-d15 of a program and what C expects of FPCR. For SVE
 * access must be open and the length be the state's. */
GUEST void state_load(const struct state *s);
GUEST void state_store(struct state *s);
/* Words that differ. */
GUEST uint64_t state_differ(const struct state *a, const struct state *b);
/* A guest's first steps: access to what the class has, open; vectors of vl bytes. */
GUEST void state_open(uint64_t vl);

/* All of it by ONE_REG. */
void state_to_vcpu(struct vcpu *vcpu, const struct state *s);
void state_from_vcpu(struct vcpu *vcpu, struct state *s, unsigned vl);

/* Vector lengths that vCPUs may have, bit vq - 1; 0: no SVE. */
uint64_t state_lengths(void);
/* One of them, in bytes; without SVE 0. */
unsigned state_any_length(uint64_t *seed);
unsigned state_longest(void);
/* One more vCPU, with vectors up to vl bytes, or without SVE. */
struct vcpu *state_vcpu(struct vm *vm, unsigned vl);
/* A VM with one. */
struct vcpu *state_vm(struct vm *vm, unsigned vl);

/* A number of /proc/stet, or -1: not on Stet. */
long stet_count(const char *name);
