/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest bank loses nothing: two VMs with two vCPUs each hold a pattern in every register
 * (lib/storm.c), and four threads, on CPUs that they change at random, run whichever vCPU is free,
 * hand it on, read its registers and change them. Linux: Documentation/virt/kvm/api.rst, 4.68, and
 * devices/arm-vgic-v3.rst.
 *
 * `bankstorm EXITS` goes on for that many exits.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include "tests/kvm/lib/gic.h"
#include "tests/kvm/lib/storm.h"
#include "tests/kvm/lib/vm.h"
#include "tests/lib/cpus.h"

enum { VMS = 2, EACH = 2, ALL = VMS * EACH, THREADS = 4, EXITS = 20000, SILENCE_MS = 120000 };

/* A vCPU is its holder's, inside and outside of KVM_RUN. */
static struct target {
	pthread_mutex_t lock;
	struct vcpu *vcpu;
	bool started; /* its pattern is made */
} targets[ALL];

static struct vm vms[VMS];
static volatile bool over;
static volatile uint64_t inspected, changed, gic_looks, gic_busy, moves;

static const char *const names[] = {
#define X(field, ...) #field,
	STORM_LIST(X)
#undef X
		"x2-x30",
	"counters",
	"mpidr",
	"running",
	"pending",
	"active",
	"taken",
	"timer",
};

/* Its number for ONE_REG; 0: none. */
static uint64_t reg_id(unsigned r)
{
	static const uint64_t ids[STORM_REGS] = {
#define X(field, hw, op0, op1, crn, crm, op2, reset)                                               \
	[STORM_##field] = ARM64_SYS_REG(op0, op1, crn, crm, op2),
		GUEST_REGS(X) CROSSING_REGS(X)
#undef X
	};

	switch (r) {
	case STORM_spsr:
		return REG_CORE(spsr[0]);
	case STORM_elr:
		return REG_CORE(elr_el1);
	case STORM_sp_el0:
		return REG_CORE(regs.sp);
	case STORM_sp_el1:
		return REG_CORE(sp_el1);
	case STORM_cntv_ctl:
		return KVM_REG_ARM_TIMER_CTL;
	case STORM_cntv_cval:
		return KVM_REG_ARM_TIMER_CVAL;
	case STORM_cntp_ctl:
		return KVM_REG_ARM_PTIMER_CTL;
	case STORM_cntp_cval:
		return KVM_REG_ARM_PTIMER_CVAL;
	default:
		return ids[r];
	}
}

static struct storm *storm_of(const struct target *t)
{
	return guest_address(t->vcpu->vm, &storms[t->vcpu->id]);
}

static uint64_t count(uint64_t (*of)(const struct storm *s))
{
	uint64_t sum = 0;

	for (int i = 0; i < ALL; i++)
		sum += of(storm_of(&targets[i]));
	return sum;
}

static uint64_t all_exits(const struct storm *s)
{
	return s->exits + s->in_kernel;
}

static uint64_t to_vmm(const struct storm *s)
{
	return s->exits;
}

static uint64_t waits(const struct storm *s)
{
	return s->waits;
}

/* ---- what is done with a vCPU outside ---- */

static void tell(const struct target *t, unsigned what, uint64_t got, uint64_t wanted)
{
	tap_print("# vm %d, vcpu %d: %s is %#lx, not %#lx\n", (int)(t->vcpu->vm - vms), t->vcpu->id,
		  names[what], (long)got, (long)wanted);
	tap_failed = 1;
	over = true;
}

/* Not all kernels know all of them: Linux 6.1 has no KVM_REG_ARM_PTIMER_*. */
static bool known(struct target *t, unsigned r)
{
	uint64_t v, id = reg_id(r);

	return id && reg_get(t->vcpu, id, &v) == 0;
}

static void inspect(struct target *t, unsigned r)
{
	struct storm *s = storm_of(t);
	uint64_t v = 0;

	if (!known(t, r))
		return;
	v = reg_get64(t->vcpu, reg_id(r));
	if ((v ^ s->want[r]) & s->keeps[r])
		tell(t, r, v, s->want[r]);
	inspected++;
}

static void change(struct target *t, unsigned r, uint64_t v)
{
	struct storm *s = storm_of(t);

	if (!s->keeps[r] || !known(t, r))
		return;
	v = storm_value(s, r, v);
	expect_eq(reg_set64(t->vcpu, reg_id(r), v), 0);
	s->want[r] = v;
	changed++;
}

/* The GIC's state of a vCPU, which is EBUSY as long as another one of its VM runs. */
static void look_at_gic(struct target *t, uint64_t seed)
{
	struct storm *s = storm_of(t);
	uint64_t who = (uint64_t)t->vcpu->id << 32, v = 0;
	uint32_t word = 0;
	long err = device_get(t->vcpu->vm->gic, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS,
			      who | (GICR_SGI + GICD_ISPENDR), &word);

	if (!err && (word & 0xffff) != s->pending)
		tell(t, WRONG_PENDING, word, s->pending);
	if (!err)
		err = device_get(t->vcpu->vm->gic, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS,
				 who | (ARM64_SYS_REG(3, 0, 4, 6, 0) & 0xffff), &v);
	if (!err && (v ^ s->want[STORM_icc_pmr]) & s->keeps[STORM_icc_pmr])
		tell(t, STORM_icc_pmr, v, s->want[STORM_icc_pmr]);
	v = storm_value(s, STORM_icc_pmr, seed);
	if (!err)
		err = device_set(t->vcpu->vm->gic, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS,
				 who | (ARM64_SYS_REG(3, 0, 4, 6, 0) & 0xffff), &v);
	if (!err)
		s->want[STORM_icc_pmr] = v;
	expect(err == 0 || err == -EBUSY);
	gic_looks += err == 0;
	gic_busy += err == -EBUSY;
}

static void run(struct target *t)
{
	struct kvm_run *run = t->vcpu->run;
	struct storm *s = storm_of(t);

	if (!expect_eq(vcpu_run(t->vcpu), 0) || !expect_eq(run->exit_reason, KVM_EXIT_MMIO))
		over = true;
	else if (run->mmio.phys_addr != GUEST_PORT + PORT_TEST)
		tell(t, (unsigned)(s->wrong - 1), s->got, s->wanted);
	else
		t->started = true;
}

/* ---- threads ---- */

static void use(struct target *t, uint64_t *seed)
{
	uint64_t r = random_next(seed);

	if (t->started && r % 4 == 0)
		inspect(t, (unsigned)(r >> 8) % STORM_REGS);
	if (t->started && r % 8 == 1)
		change(t, (unsigned)(r >> 8) % STORM_REGS, random_next(seed));
	if (t->started && r % 16 == 2)
		look_at_gic(t, random_next(seed));
	for (r = r >> 16 & 7; r != 0 && !over; r--)
		run(t);
}

static void *worker(void *arg)
{
	uint64_t seed = (uintptr_t)arg;
	int cpus = cpus_allowed();

	while (!over) {
		struct target *t = &targets[random_next(&seed) % ALL];

		if (random_next(&seed) % 4 == 0) {
			cpus_pin((int)(random_next(&seed) % (uint64_t)cpus));
			moves++;
		}
		if (pthread_mutex_trylock(&t->lock)) {
			sched_yield();
			continue;
		}
		use(t, &seed);
		pthread_mutex_unlock(&t->lock);
	}
	return NULL;
}

/* Until there were that many exits, something is wrong, or nothing happens any more. */
static void watch(uint64_t exits)
{
	uint64_t last = 0;

	for (unsigned silent = 0; !over; silent += 20) {
		uint64_t now = count(all_exits);

		if (now != last)
			silent = 0;
		if (now >= exits)
			over = true;
		last = now;
		sleep_ms(20);
		if (silent < SILENCE_MS)
			continue;
		for (int i = 0; i < ALL; i++)
			tap_print("# vcpu %d: %lu exits\n", i, (long)storm_of(&targets[i])->exits);
		tap_print("Bail out! no exit for %d ms\n", SILENCE_MS);
		exit(1);
	}
}

static void make_vms(void)
{
	for (int i = 0; i < VMS; i++) {
		vm_create(&vms[i], EACH);
		expect_eq(vm_add_gic(&vms[i], 64), 0);
	}
	for (int i = 0; i < ALL; i++) {
		targets[i].vcpu = &vms[i % VMS].vcpu[i / VMS];
		pthread_mutex_init(&targets[i].lock, NULL);
		vcpu_start(targets[i].vcpu, storm_guest, 1000 + (uint64_t)i);
	}
}

/* Was it what it claims to be: most registers were there, and everything happened? */
static void expect_storm(uint64_t exits)
{
	for (int i = 0; i < ALL; i++) {
		unsigned there = 0;

		for (unsigned r = 0; r < STORM_REGS; r++)
			there += storm_of(&targets[i])->keeps[r] != 0;
		expect(there >= STORM_REGS - 4);
	}
	expect(count(to_vmm) > exits / 20 && count(waits) > exits / 400);
	expect(inspected > exits / 200 && changed > exits / 400 && moves > exits / 200 && gic_looks > 0);
}

TEST(nothing_of_the_guest_bank_is_lost)
{
	uint64_t exits = rounds_wanted(EXITS);
	pthread_t threads[THREADS];

	make_vms();
	for (long i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, worker, (void *)(i + 1));
	watch(exits);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	tap_print("# %lu exits to the VMM, %lu in the kernel, %lu waits for a timer\n",
		  (long)count(to_vmm), (long)(count(all_exits) - count(to_vmm)),
		  (long)count(waits));
	tap_print("# %lu inspections, %lu changes, GIC read %lu times (and busy %lu), %lu moves\n",
		  (long)inspected, (long)changed, (long)gic_looks, (long)gic_busy, (long)moves);
	expect_storm(exits);
	for (int i = 0; i < VMS; i++)
		vm_destroy(&vms[i]);
}
