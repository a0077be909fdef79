/* SPDX-License-Identifier: BSD-2-Clause */
/* See victim.h. */
#include <elf.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/lib/abi.h"
#include "tests/torture/lib/victim.h"

#define NZCV 0xf0000000

/* It uses registers of its class and changes none. */
extern char victim_uses_v[], victim_uses_sve[];
__asm__(".pushsection .text\n"
	".arch armv8-a+sve\n"
	"victim_uses_v: fmov xzr, d0\n\tb victim_uses_v\n"
	"victim_uses_sve: mov z0.d, z0.d\n\tb victim_uses_sve\n"
	".arch armv8-a\n"
	".popsection\n");

static int write_general(struct victim *v, uint64_t *seed)
{
	for (int i = 0; i < 31; i++)
		v->general.regs[i] = random_next(seed);
	v->general.sp = random_next(seed);
	v->general.pc = (uintptr_t)(v->want.vl ? victim_uses_sve : victim_uses_v);
	v->general.pstate = random_next(seed) & NZCV;
	return tracer_put(v->pid, NT_PRSTATUS, &v->general, sizeof(v->general)) ? -1 : 0;
}

static int write_v(struct victim *v)
{
	struct user_fpsimd_state r = { .fpsr = v->want.fp.fpsr, .fpcr = v->want.fp.fpcr };

	memcpy(r.vregs, v->want.fp.v, sizeof(r.vregs));
	return tracer_put(v->pid, NT_PRFPREG, &r, sizeof(r)) ? -1 : 0;
}

static int write_sve(struct victim *v)
{
	unsigned vl = (unsigned)v->want.vl;
	union sve_set set;
	size_t size = sve_set_fill(&set, &v->want.sve, vl);

	memcpy(set.bytes + SVE_PT_SVE_FPSR_OFFSET(vl / 16), &v->want.fp.fpsr, 4);
	memcpy(set.bytes + SVE_PT_SVE_FPCR_OFFSET(vl / 16), &v->want.fp.fpcr, 4);
	return tracer_put(v->pid, NT_ARM_SVE, &set, size) ? -1 : 0;
}

static int write_vectors(struct victim *v, uint64_t *seed)
{
	unsigned vl = (unsigned)v->want.vl; /* as before, which needs no new image; or another */

	if (random_next(seed) % 2)
		vl = random_next(seed) % 3 ? state_any_length(seed) : 0;
	state_fill(&v->want, vl, random_next(seed));
	return v->want.vl ? write_sve(v) : write_v(v);
}

static int differ_v(const struct victim *v)
{
	struct user_fpsimd_state r;
	size_t size = sizeof(r);

	if (tracer_get(v->pid, NT_PRFPREG, &r, &size))
		return -1;
	return (memcmp(r.vregs, v->want.fp.v, sizeof(r.vregs)) != 0) + (r.fpsr != v->want.fp.fpsr) +
	       (r.fpcr != v->want.fp.fpcr);
}

static int differ_sve(const struct victim *v)
{
	unsigned vl = (unsigned)v->want.vl;
	union sve_set set;

	sve_set_get(v->pid, &set);
	if (set.head.vl != vl || !(set.head.flags & SVE_PT_REGS_SVE))
		return 100;
	return (memcmp(set.bytes + SVE_PT_SVE_OFFSET, &v->want.sve, SVE_SIZE(vl)) != 0) +
	       (memcmp(set.bytes + SVE_PT_SVE_FPSR_OFFSET(vl / 16), &v->want.fp.fpsr, 4) != 0) +
	       (memcmp(set.bytes + SVE_PT_SVE_FPCR_OFFSET(vl / 16), &v->want.fp.fpcr, 4) != 0);
}

static int differ_general(const struct victim *v)
{
	struct user_pt_regs r = tracer_regs(v->pid);

	r.pstate &= NZCV;
	if (r.pc == v->general.pc + 4)
		r.pc -= 4;
	return memcmp(&r, &v->general, sizeof(r)) != 0;
}

bool victim_begin(struct victim *v, uint64_t *seed)
{
	v->pid = fork();
	if (v->pid == 0)
		__asm__ volatile("b victim_uses_v");
	if (!tracer_ask(PTRACE_SEIZE, v->pid, 0, (void *)PTRACE_O_EXITKILL) &&
	    tracer_interrupt(v->pid) && !write_vectors(v, seed) && !write_general(v, seed) &&
	    !tracer_ask(PTRACE_CONT, v->pid, 0, NULL))
		return true;
	victim_end(v);
	return false;
}

int victim_look(struct victim *v, uint64_t *seed)
{
	bool blind = random_next(seed) % 3 == 0; /* writes what it has not read */
	int wrong = 0;

	if (!tracer_interrupt(v->pid))
		return -1;
	if (!blind) {
		wrong = v->want.vl ? differ_sve(v) : differ_v(v);
		if (wrong >= 0)
			wrong += differ_general(v);
	}
	if ((blind || random_next(seed) % 2) && write_vectors(v, seed))
		return -2;
	if (write_general(v, seed)) /* where it goes on is by its class */
		return -3;
	return tracer_ask(PTRACE_CONT, v->pid, 0, NULL) ? -4 : wrong;
}

void victim_end(struct victim *v)
{
	kill(v->pid, SIGKILL);
	waitpid(v->pid, NULL, __WALL);
}
