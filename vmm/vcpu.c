/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vCPU and its thread: KVM_RUN in a loop, and what to do at each way out of it, by a table of
 * exit reasons. An access to a device register goes to bus.c; power-off and reset end the machine
 * (vm_stop()); what the host cannot continue ends it with the vCPU's registers on stderr.
 *
 * To stop a vCPU from another thread: `stopping`, then immediate_exit in the shared page, then a
 * signal. The signal takes a vCPU out of KVM_RUN; the flag in the page catches the thread that was
 * just about to go in (KVM_CAP_IMMEDIATE_EXIT), so no kick is lost. Manual: Linux's
 * Documentation/virt/kvm/api.rst, sections 4.10, 4.82 and 5.
 */
#include "vcpu.h"

#include <errno.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "report.h"
#include "vm.h"

#define KICK_SIGNAL SIGUSR1

#define REG_CORE(field)                                                                            \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(field))
#define REG_X(n)      (REG_CORE(regs.regs[0]) + 2 * (n)) /* numbered in 32-bit words */
#define REG_MPIDR_EL1 ARM64_SYS_REG(3, 0, 0, 0, 5)

#define MPIDR_AFFINITY	 0xff00ffffffull /* Aff3, Aff2, Aff1, Aff0 (DDI0487 D19.2.100) */
#define PSTATE_EL1H_DAIF (PSR_MODE_EL1h | PSR_D_BIT | PSR_A_BIT | PSR_I_BIT | PSR_F_BIT)

static uint64_t reg_read(const struct vcpu *vcpu, uint64_t id)
{
	uint64_t value = 0;
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)&value };

	if (ioctl(vcpu->fd, KVM_GET_ONE_REG, &reg))
		report("vCPU %u: register 0x%llx cannot be read: %m", vcpu->index,
		       (unsigned long long)id);
	return value;
}

static void reg_write(const struct vcpu *vcpu, uint64_t id, uint64_t value)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)&value };

	if (ioctl(vcpu->fd, KVM_SET_ONE_REG, &reg))
		die("vCPU %u: register 0x%llx cannot be set: %m", vcpu->index,
		    (unsigned long long)id);
}

void vcpu_create(struct vcpu *vcpu, struct vm *vm, unsigned index, const struct kvm_vcpu_init *init)
{
	struct kvm_vcpu_init own = *init;
	int sve = KVM_ARM_VCPU_SVE;

	own.features[0] |= 1u << KVM_ARM_VCPU_PSCI_0_2;
	if (index)
		own.features[0] |= 1u << KVM_ARM_VCPU_POWER_OFF;
	vcpu->vm = vm;
	vcpu->index = index;
	vcpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, (unsigned long)index);
	if (vcpu->fd < 0)
		die("KVM makes no vCPU %u: %m", index);
	vcpu->run = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED)
		die("vCPU %u's shared page cannot be mapped: %m", index);
	if (ioctl(vcpu->fd, KVM_ARM_VCPU_INIT, &own))
		die("KVM does not initialise vCPU %u: %m", index);
	if (own.features[0] & 1u << KVM_ARM_VCPU_SVE &&
	    ioctl(vcpu->fd, KVM_ARM_VCPU_FINALIZE, &sve))
		die("KVM does not give vCPU %u SVE: %m", index);
}

void vcpu_destroy(struct vcpu *vcpu)
{
	munmap(vcpu->run, vcpu->vm->run_size);
	close(vcpu->fd);
}

void vcpu_set_entry(struct vcpu *vcpu, uint64_t entry, uint64_t argument)
{
	reg_write(vcpu, REG_CORE(regs.pstate), PSTATE_EL1H_DAIF);
	reg_write(vcpu, REG_CORE(regs.pc), entry);
	reg_write(vcpu, REG_X(0), argument);
	for (unsigned n = 1; n <= 3; n++)
		reg_write(vcpu, REG_X(n), 0);
}

uint64_t vcpu_mpidr(const struct vcpu *vcpu)
{
	return reg_read(vcpu, REG_MPIDR_EL1) & MPIDR_AFFINITY;
}

static void print_registers(const struct vcpu *vcpu)
{
	fprintf(stderr, "vCPU %u: pc %016llx sp_el1 %016llx pstate %llx\n", vcpu->index,
		(unsigned long long)reg_read(vcpu, REG_CORE(regs.pc)),
		(unsigned long long)reg_read(vcpu, REG_CORE(sp_el1)),
		(unsigned long long)reg_read(vcpu, REG_CORE(regs.pstate)));
	for (unsigned n = 0; n < 31; n++)
		fprintf(stderr, "x%-2u %016llx%s", n, (unsigned long long)reg_read(vcpu, REG_X(n)),
			n % 4 == 3 ? "\n" : "  ");
	fprintf(stderr, "\n");
}

static bool exit_mmio(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	struct bus *bus = &vcpu->vm->bus;
	uint64_t value = 0;

	if (run->mmio.len > sizeof(value))
		return true;
	if (run->mmio.is_write) {
		memcpy(&value, run->mmio.data, run->mmio.len);
		bus_write(bus, run->mmio.phys_addr, run->mmio.len, value);
	} else {
		value = bus_read(bus, run->mmio.phys_addr, run->mmio.len);
		memcpy(run->mmio.data, &value, run->mmio.len);
	}
	return true;
}

static bool exit_system_event(struct vcpu *vcpu)
{
	switch (vcpu->run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		vm_stop(vcpu->vm, VM_POWEROFF);
		return false;
	case KVM_SYSTEM_EVENT_RESET:
		vm_stop(vcpu->vm, VM_RESET);
		return false;
	case KVM_SYSTEM_EVENT_CRASH:
		vm_stop(vcpu->vm, VM_CRASH);
		return false;
	default:
		report("vCPU %u: unknown system event %u", vcpu->index,
		       vcpu->run->system_event.type);
		vm_stop(vcpu->vm, VM_ERROR);
		return false;
	}
}

static bool exit_intr(struct vcpu *vcpu)
{
	(void)vcpu;
	return true;
}

static bool exit_fail_entry(struct vcpu *vcpu)
{
	report("vCPU %u cannot be entered: reason 0x%llx", vcpu->index,
	       (unsigned long long)vcpu->run->fail_entry.hardware_entry_failure_reason);
	print_registers(vcpu);
	vm_stop(vcpu->vm, VM_ERROR);
	return false;
}

static bool exit_internal_error(struct vcpu *vcpu)
{
	report("vCPU %u: internal error %u of the host's KVM", vcpu->index,
	       vcpu->run->internal.suberror);
	print_registers(vcpu);
	vm_stop(vcpu->vm, VM_ERROR);
	return false;
}

static bool exit_unknown(struct vcpu *vcpu)
{
	report("vCPU %u: exit for a reason unknown here, %u", vcpu->index, vcpu->run->exit_reason);
	print_registers(vcpu);
	vm_stop(vcpu->vm, VM_ERROR);
	return false;
}

/* What to do at each way out of KVM_RUN; false: this vCPU runs no more. */
static bool (*const exit_handlers[])(struct vcpu *) = {
	[KVM_EXIT_MMIO] = exit_mmio,
	[KVM_EXIT_FAIL_ENTRY] = exit_fail_entry,
	[KVM_EXIT_INTR] = exit_intr,
	[KVM_EXIT_INTERNAL_ERROR] = exit_internal_error,
	[KVM_EXIT_SYSTEM_EVENT] = exit_system_event,
};

static bool handle_exit(struct vcpu *vcpu)
{
	uint32_t reason = vcpu->run->exit_reason;

	if (reason >= sizeof(exit_handlers) / sizeof(exit_handlers[0]) || !exit_handlers[reason])
		return exit_unknown(vcpu);
	return exit_handlers[reason](vcpu);
}

/* KVM_RUN itself failed. EINTR and EAGAIN are no failures. */
static bool handle_error(struct vcpu *vcpu, int error)
{
	if (error == EINTR || error == EAGAIN)
		return true;
	/* An access the host cannot decode for us: ENOSYS, see KVM_CAP_ARM_NISV_TO_USER. */
	report("vCPU %u cannot go on: %s%s", vcpu->index, strerror(error),
	       error == ENOSYS ? " (it accessed a device with an unusual instruction)" : "");
	print_registers(vcpu);
	vm_stop(vcpu->vm, VM_ERROR);
	return false;
}

static void *vcpu_thread(void *argument)
{
	struct vcpu *vcpu = argument;
	bool more = true;

	/* acquire: pairs with vcpu_kick() */
	while (more && !atomic_load_explicit(&vcpu->stopping, memory_order_acquire)) {
		if (ioctl(vcpu->fd, KVM_RUN, 0))
			more = handle_error(vcpu, errno);
		else
			more = handle_exit(vcpu);
	}
	return NULL;
}

static void kick_handler(int signal_number)
{
	(void)signal_number; /* it only has to interrupt KVM_RUN */
}

void vcpu_start(struct vcpu *vcpu)
{
	struct sigaction action = { .sa_handler = kick_handler };

	sigaction(KICK_SIGNAL, &action, NULL);
	if (pthread_create(&vcpu->thread, NULL, vcpu_thread, vcpu))
		die("cannot start the thread of vCPU %u", vcpu->index);
}

void vcpu_kick(struct vcpu *vcpu)
{
	atomic_store_explicit(&vcpu->stopping, true, memory_order_release);
	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	pthread_kill(vcpu->thread, KICK_SIGNAL);
}

void vcpu_join(struct vcpu *vcpu)
{
	pthread_join(vcpu->thread, NULL);
}
