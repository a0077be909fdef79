/* SPDX-License-Identifier: BSD-2-Clause */
/* See scene.h. */
#include <string.h>
#include <linux/prctl.h>
#include "tests/lib/abi.h"
#include "tests/torture/lib/scene.h"

struct vm vm, vm2;
struct state want, found, zero;
volatile uint64_t stop, turns;
struct sve_image mine, after;
const int now = 1;
int cpus;

__attribute__((constructor)) static void count_cpus(void)
{
	cpus = cpus_allowed();
}

GUEST void guest_keeps(uint64_t vl)
{
	uint64_t wrong = 0;

	state_open(vl);
	found.vl = vl;
	state_load(&want);
	while (!stop) {
		if (turns % 3 == 2)
			hvc(VERSION_CALL, 0, 0, 0);
		else
			mmio_write64(GUEST_PORT + PORT_TEST, turns);
		state_store(&found);
		wrong += state_differ(&found, &want);
		turns++;
	}
	guest_done(wrong);
}

GUEST void guest_idles(uint64_t arg)
{
	(void)arg;
	while (!stop)
		mmio_write64(GUEST_PORT + PORT_TEST, turns++);
	guest_done(0);
}

GUEST void guest_changes_its_length(uint64_t vl)
{
	state_open(vl);
	state_load(&want);
	for (;;) {
		sysreg_write(s3_0_c1_c2_0, 0);
		isb();
		mmio_write64(GUEST_PORT + PORT_TEST, turns++);
		sysreg_write(s3_0_c1_c2_0, vl / 16 - 1);
		isb();
		found.vl = vl;
		state_store(&found);
		guest_done(sve_length());
	}
}

struct vcpu *begin(struct vm *v, unsigned vl, void (*guest)(uint64_t), uint64_t pattern)
{
	struct vcpu *vcpu = state_vm(v, vl);

	state_fill(guest_address(v, &want), vl, pattern);
	vcpu_start(vcpu, guest, vl);
	return vcpu;
}

void end(struct vm *v)
{
	uint64_t wrong = 1;

	guest_view(v, stop) = 1;
	while (vcpu_run(&v->vcpu[0]) == 0 && !exit_is_write(&v->vcpu[0], GUEST_PORT, 8, 0))
		if (v->vcpu[0].run->mmio.phys_addr == GUEST_PORT)
			break;
	memcpy(&wrong, v->vcpu[0].run->mmio.data, 8);
	expect_eq(wrong, 0);
	vm_destroy(v);
}

int vmm_runs(struct vcpu *vcpu, unsigned vl, uint64_t pattern)
{
	long result;

	if (!vl) {
		expect_eq(vcpu_run(vcpu), 0);
		return 0;
	}
	sys(__NR_prctl, PR_SVE_SET_VL, vl);
	sve_fill(&mine, vl, pattern);
	result = sve_hold(&mine, &after, __NR_ioctl, vcpu->fd, KVM_RUN, (int *)&now);
	expect_eq(result, 0);
	return sve_differ(&after, &mine, vl, true);
}

int vmm_runs_with_words(struct vcpu *vcpu, uint64_t pattern, uint32_t fpsr, uint32_t fpcr)
{
	static struct regs v, v_after;

	regs_fill(&v, pattern, __NR_ioctl);
	v.x[0] = (uint64_t)vcpu->fd;
	v.x[1] = KVM_RUN;
	v.x[2] = 0;
	v.fpsr = fpsr;
	v.fpcr = fpcr;
	regs_hold(&v, &v_after, (int *)&now);
	expect_eq(v_after.x[0], 0);
	return regs_differ(&v_after, &v);
}

static void *call(void *fn)
{
	((void (*)(void))fn)();
	return NULL;
}

void in_a_new_thread(void (*fn)(void))
{
	pthread_t t;

	expect_eq(pthread_create(&t, NULL, call, (void *)fn), 0);
	pthread_join(t, NULL);
}

static void *rival_main(void *arg)
{
	static _Thread_local struct sve_image his, seen_by_him;
	static _Thread_local struct regs v, v_after;
	struct rival *r = arg;

	cpus_pin(r->cpu);
	if (r->vl)
		sys(__NR_prctl, PR_SVE_SET_VL, r->vl);
	while (!r->stop) {
		r->go = 0;
		if (r->vl) {
			sve_fill(&his, r->vl, (uint64_t)r->looks + 99);
			sve_hold(&his, &seen_by_him, -1, 0, 0, &r->go);
			r->wrong += sve_differ(&seen_by_him, &his, r->vl, false);
		} else {
			regs_fill(&v, (uint64_t)r->looks, __NR_getpid);
			regs_hold(&v, &v_after, &r->go);
			r->wrong += regs_differ(&v_after, &v);
		}
		r->looks++;
	}
	return NULL;
}

void rival_start(struct rival *r, int cpu, unsigned vl)
{
	*r = (struct rival){ .cpu = cpu, .vl = vl };
	pthread_create(&r->thread, NULL, rival_main, r);
}

void rival_end(struct rival *r)
{
	r->stop = 1;
	while (pthread_tryjoin_np(r->thread, NULL)) {
		r->go = 1;
		sleep_ms(1);
	}
	expect_eq(r->wrong, 0);
	expect(r->looks > 0);
}
