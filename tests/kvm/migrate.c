/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vCPUs that move between CPUs: at each exit the thread that runs one goes to another CPU, while
 * other vCPUs come and go there, somebody reads their registers and VMs end. Guests change the
 * registers that hypervisors like to leave where they are, each round to new values, and look
 * whether all came along.
 */
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include "tests/kvm/lib/vm.h"
#include "tests/lib/cpus.h"

#define SYSREG(op0, op1, crn, crm, op2)                                                            \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM64_SYSREG | (op0) << 14 | (op1) << 11 |     \
	 (crn) << 7 | (crm) << 3 | (op2))
#define REG_CONTEXTIDR SYSREG(3, 0, 13, 0, 1)
#define REG_FAR	       SYSREG(3, 0, 6, 0, 0)

enum { ROUNDS = 150, NEVER = 1ul << 62 };

static struct vm vm, other;
static unsigned rounds;

/* Registers that mean nothing to a guest with its MMU off and no exceptions. */
#define SYSTEM_REGISTERS(X)                                                                        \
	X(contextidr_el1)                                                                          \
	X(far_el1)                                                                                 \
	X(tpidr_el0)                                                                               \
	X(tpidrro_el0) X(sp_el0) X(elr_el1) X(ttbr0_el1) X(ttbr1_el1) X(mair_el1) X(cntv_cval_el0) \
		X(cntp_cval_el0)
#define VECTOR_REGISTERS(X) X(0) X(7) X(8) X(15) X(16) X(31)

/* Bits that every one of the registers keeps; cval far in the future. */
GUEST_INLINE uint64_t value(uint64_t round)
{
	return (round & 0x3fff) << 2;
}

GUEST_INLINE void set_all(uint64_t v)
{
#define X(reg) sysreg_write(reg, v);
	SYSTEM_REGISTERS(X)
#undef X
	sysreg_write(cntv_cval_el0, NEVER | v);
	sysreg_write(cntp_cval_el0, NEVER | v);
#define X(n) __asm__ volatile("fmov d" #n ", %0\n\tmov v" #n ".d[1], %1" ::"r"(v + n), "r"(~v - n));
	VECTOR_REGISTERS(X)
#undef X
}

/* How many are not what set_all() made them. */
GUEST_INLINE uint64_t count_wrong(uint64_t v)
{
	uint64_t wrong = 0, low, high;

#define X(reg) wrong += (sysreg_read(reg) & ~(uint64_t)NEVER) != v;
	SYSTEM_REGISTERS(X)
#undef X
#define X(n)                                                                                       \
	__asm__ volatile("fmov %0, d" #n "\n\tmov %1, v" #n ".d[1]" : "=r"(low), "=r"(high));      \
	wrong += low != v + n || high != ~v - n;
	VECTOR_REGISTERS(X)
#undef X
	return wrong;
}

static GUEST void guest_looks_around(uint64_t rounds)
{
	uint64_t wrong = 0, id = guest_self()->id << 12;

	for (uint64_t round = 0; round < rounds; round++) {
		set_all(value(id + round));
		mmio_write64(GUEST_PORT + PORT_TEST, round);
		wrong += count_wrong(value(id + round));
	}
	guest_done(wrong);
}

static uint64_t seed = 7;

static bool one_round(struct vcpu *vcpu, uint64_t round)
{
	return expect_eq(vcpu_run(vcpu), 0) &&
	       expect(exit_is_write(vcpu, GUEST_PORT + PORT_TEST, 8, round));
}

TEST(one_thread_moves_with_three_vcpus_of_two_vms)
{
	struct vcpu *all[3];
	int count = cpus_allowed();

	rounds = rounds_wanted(ROUNDS);
	vm_create(&vm, 2);
	vm_create(&other, 1);
	all[0] = &vm.vcpu[0];
	all[1] = &vm.vcpu[1];
	all[2] = &other.vcpu[0];
	for (int i = 0; i < 3; i++)
		vcpu_start(all[i], guest_looks_around, rounds);
	for (uint64_t round = 0; round < rounds && !tap_failed; round++) {
		for (int i = 0; i < 3; i++) {
			cpus_pin((int)(random_next(&seed) % (uint64_t)count));
			one_round(all[i], round);
		}
	}
	for (int i = 0; i < 3; i++) {
		uint64_t wrong = ~0ul;

		expect(vcpu_run_done(all[i], &wrong));
		expect_eq(wrong, 0);
	}
	cpus_unpin(count);
	vm_destroy(&vm);
	vm_destroy(&other);
}

/* A vCPU and a thread that runs it, moving at each exit. */
struct mover {
	struct vcpu *vcpu;
	pthread_t thread;
	uint64_t seed, wrong;
	int count;
	bool held;
};

static void *mover_main(void *arg)
{
	struct mover *m = arg;

	m->held = true;
	for (uint64_t round = 0; round < rounds && m->held; round++) {
		cpus_pin((int)(random_next(&m->seed) % (uint64_t)m->count));
		m->held = one_round(m->vcpu, round);
	}
	m->wrong = ~0ul;
	m->held = m->held && vcpu_run_done(m->vcpu, &m->wrong);
	return NULL;
}

TEST(vcpus_move_while_their_registers_are_read)
{
	struct mover movers[4];
	int count = cpus_allowed();

	rounds = rounds_wanted(ROUNDS);
	vm_create(&vm, 4);
	for (int i = 0; i < 4; i++) {
		movers[i] =
			(struct mover){ &vm.vcpu[i], .seed = 100u + (unsigned)i, .count = count };
		vcpu_start(&vm.vcpu[i], guest_looks_around, rounds);
		reg_set64(&vm.vcpu[i], REG_CONTEXTIDR, 0); /* nothing is promised of a reset */
		reg_set64(&vm.vcpu[i], REG_FAR, 0);
		pthread_create(&movers[i].thread, NULL, mover_main, &movers[i]);
	}
	for (int i = 0; i < 200; i++) {
		struct vcpu *vcpu = &vm.vcpu[i % 4];
		uint64_t a = reg_get64(vcpu, REG_CONTEXTIDR), b = reg_get64(vcpu, REG_FAR);

		/* Between two KVM_RUNs; another one may come between the two reads. */
		expect(a <= 0xffff && b <= 0xffff && !(a & 3) && !(b & 3));
		sched_yield();
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(movers[i].thread, NULL);
		expect(movers[i].held);
		expect_eq(movers[i].wrong, 0);
	}
	vm_destroy(&vm);
}

TEST(vms_end_while_their_state_stands_on_another_cpu)
{
	int count = cpus_allowed(), lives = (int)rounds_wanted(50);

	for (int i = 0; i < lives && !tap_failed; i++) {
		uint64_t v;

		cpus_pin(i % count);
		vm_create(&vm, 2);
		vcpu_start(&vm.vcpu[0], guest_looks_around, 1);
		vcpu_start(&vm.vcpu[1], guest_looks_around, 1);
		one_round(&vm.vcpu[0], 0);
		cpus_pin((i + 1) % count);
		one_round(&vm.vcpu[1], 0);
		if (i % 2) {
			expect(vcpu_run_done(&vm.vcpu[0], &v));
			expect_eq(v, 0);
		}
		vm_destroy(&vm);
	}
	cpus_unpin(count);
}
