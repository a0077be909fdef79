/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an exit costs against how much there is: VMs, vCPUs of a VM, memory slots. One line for each
 * point: the series, how many, nanoseconds a round (instructions under icount). The rounds are MMIO
 * exits to the VMM, of one vCPU while the others stay, or of each in turn; for slots also stage-2
 * faults. A series ends where the kernel gives no more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "bench/lib/measure.h"
#include "tests/kvm/lib/vm.h"

enum { VMS = 64, SLOTS = 512, ROUNDS = 1024, FAULTS = 64, PAGE = 4096 };
#define SLOT_IPA  0x80000000ul
#define SLOT_SIZE ((uint64_t)FAULTS * PAGE)

static struct vm vms[VMS];

static GUEST void guest_writes(uint64_t arg)
{
	(void)arg;
	for (;;)
		mmio_write32(GUEST_PORT + PORT_TEST, 1);
}

/* One word of FAULTS pages that lie in all of the slots. */
static GUEST void guest_touches(uint64_t slots)
{
	uint64_t begin = section_begin();

	for (uint64_t k = 0; k < FAULTS; k++)
		mmio_read8(SLOT_IPA + k % slots * 2 * SLOT_SIZE + k / slots * PAGE);
	guest_done(section_end(begin));
}

static void point(const char *series, unsigned n, uint64_t ticks, uint64_t rounds)
{
	uint64_t hz;

	__asm__("mrs %0, cntfrq_el0" : "=r"(hz));
	printf("%s\t%u\t%.1f\n", series, n, (double)ticks * 1e9 / (double)hz / (double)rounds);
	fflush(stdout);
}

/* ROUNDS exits, of vcpus[0] or of each of them in turn. */
static uint64_t exits(struct vcpu **vcpus, unsigned n, bool in_turn)
{
	uint64_t ticks = 0;
	long err = 0;

	for (unsigned warm = 0; warm < 2; warm++) {
		ticks = section_begin();
		for (unsigned k = 0; k < ROUNDS; k++)
			err |= vcpu_run(vcpus[in_turn ? k % n : 0]);
		ticks = section_end(ticks);
	}
	if (err)
		exit(1);
	return ticks;
}

static bool vm_start(struct vm *vm, unsigned vcpus)
{
	vm_create(vm, (int)vcpus);
	if (vm->fd < 0 || vm_add_gic(vm, 64))
		return false;
	for (unsigned k = 0; k < vcpus; k++) {
		vcpu_start(&vm->vcpu[k], guest_writes, 0);
		if (vcpu_run(&vm->vcpu[k]))
			return false;
	}
	return true;
}

static void scale_vms(void)
{
	struct vcpu *vcpus[VMS];

	for (unsigned n = 1, have = 0; n <= VMS; n *= 2) {
		for (; have < n; have++) {
			if (!vm_start(&vms[have], 1))
				return;
			vcpus[have] = &vms[have].vcpu[0];
		}
		point("vms-one", n, exits(vcpus, n, false), ROUNDS);
		point("vms-turns", n, exits(vcpus, n, true), ROUNDS);
	}
	for (unsigned k = 0; k < VMS; k++)
		vm_destroy(&vms[k]);
}

static void scale_vcpus(void)
{
	struct vcpu *vcpus[VM_MAX_VCPUS];
	struct vm *vm = &vms[0];

	for (unsigned n = 1; n <= VM_MAX_VCPUS; n *= 2) {
		if (!vm_start(vm, n))
			return;
		for (unsigned k = 0; k < n; k++)
			vcpus[k] = &vm->vcpu[k];
		point("vcpus-one", n, exits(vcpus, n, false), ROUNDS);
		point("vcpus-turns", n, exits(vcpus, n, true), ROUNDS);
		vm_destroy(vm);
	}
}

/* Memory for all slots, each smaller than a block; only what the guest will touch is there. */
static char *slots_memory(unsigned n)
{
	char *at = mmap(NULL, SLOTS * SLOT_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		exit(1);
	for (unsigned k = 0; k < FAULTS; k++)
		at[k % n * SLOT_SIZE + k / n * PAGE] = 1;
	return at;
}

static void scale_slots(void)
{
	struct vm *vm = &vms[0];
	struct vcpu *vcpu = &vm->vcpu[0];
	uint64_t ticks;
	long err = 0;

	for (unsigned n = 1; n <= SLOTS; n *= 2) {
		char *at = slots_memory(n);

		if (!vm_start(vm, 1))
			return;
		for (unsigned k = 0; k < n && !err; k++)
			err = vm_add_memory(vm, k + 1, SLOT_IPA + k * 2 * SLOT_SIZE, SLOT_SIZE,
					    at + k * SLOT_SIZE, 0);
		if (err)
			return;
		point("slots-exit", n, exits(&vcpu, 1, false), ROUNDS);
		vcpu_run(vcpu); /* the exit that is under way is finished before it is started anew
				 */
		vcpu_start(vcpu, guest_touches, n);
		if (vcpu_run_done(vcpu, &ticks))
			point("slots-fault", n, ticks, FAULTS);
		vm_destroy(vm);
		munmap(at, SLOTS * SLOT_SIZE);
	}
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--settle"))
		sleep((unsigned)atoi(argv[2]));
	scale_vms();
	scale_vcpus();
	scale_slots();
	return 0;
}
