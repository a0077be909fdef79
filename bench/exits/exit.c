/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exits to the VMM: a guest's MMIO store that nobody in the kernel answers, KVM_RUN's return, and
 * KVM_RUN again; and an interrupt the VMM injects before it enters.
 */
#include <sys/eventfd.h>
#include <unistd.h>
#include "bench/exits/rows.h"

GUEST void guest_writes(uint64_t arg)
{
	(void)arg;
	for (;;)
		mmio_write32(GUEST_PORT + PORT_TEST, 1);
}

GUEST void guest_writes_fp(uint64_t arg)
{
	(void)arg;
	for (;;) {
		guest_fp(FP_GUEST);
		mmio_write32(GUEST_PORT + PORT_TEST, 1);
	}
}

static GUEST void on_spi(struct guest_cpu *cpu)
{
	on_count(cpu);
	mmio_write32(GUEST_PORT + PORT_TEST, 1);
}

static GUEST void on_spi_fp(struct guest_cpu *cpu)
{
	guest_fp(FP_GUEST);
	on_spi(cpu);
}

GUEST_INLINE void guest_takes_spis_with(uint64_t arg, enum fp fp)
{
	(void)arg;
	gicv3_edge(SPI, true);
	guest_takes(fp ? on_spi_fp : on_spi, SPI);
	mmio_write32(GUEST_PORT + PORT_TEST, 0);
	for (;;)
		;
}
GUEST_PAIR(guest_takes_spis)

static uint64_t mmio_exits(const struct row *row, uint64_t rounds)
{
	uint64_t ticks;
	long err = 0;

	vm_create(&vm, 1);
	vm_add_gic(&vm, 64);
	vcpu_start(&vm.vcpu[0], row->guest, 0);
	err |= vcpu_run(&vm.vcpu[0]);
	ticks = section_begin();
	while (rounds-- && !err) {
		err |= vcpu_run(&vm.vcpu[0]);
		vmm_fp(row->fp);
	}
	ticks = section_end(ticks);
	vm_destroy(&vm);
	return err ? 0 : ticks;
}

/* The VMM writes the eventfd, the guest takes the interrupt and leaves from its handler. */
static uint64_t injections(const struct row *row, uint64_t rounds)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	struct kvm_irqfd irqfd = { .fd = (unsigned)fd, .gsi = SPI - 32 };
	uint64_t ticks = 0, one = 1;
	long err;

	vm_create(&vm, 1);
	err = vm_add_gic(&vm, 64);
	err = err ?: ioc(vm.fd, KVM_IRQFD, &irqfd);
	vcpu_start(&vm.vcpu[0], row->guest, 0);
	err = err ?: vcpu_run(&vm.vcpu[0]);
	ticks = section_begin();
	while (rounds-- && !err) {
		err = sys(__NR_write, fd, &one, sizeof(one)) != sizeof(one);
		err = err ?: vcpu_run(&vm.vcpu[0]);
		vmm_fp(row->fp);
	}
	ticks = section_end(ticks);
	vm_destroy(&vm);
	close(fd);
	return err ? 0 : ticks;
}

static const struct row rows[] = {
	{ "mmio", "MMIO exit to the VMM and back, nobody uses FP", mmio_exits, 1000, guest_writes,
	  FP_NOBODY },
	{ "mmio-guest-fp", "... the guest uses FP each round", mmio_exits, 1000, guest_writes_fp,
	  FP_GUEST },
	{ "mmio-vmm-fp", "... the VMM uses FP each round", mmio_exits, 1000, guest_writes, FP_VMM },
	{ "mmio-both-fp", "... both use FP each round", mmio_exits, 1000, guest_writes_fp,
	  FP_BOTH },
	{ "irqfd", "the VMM writes an irqfd and enters; interrupt, MMIO exit", injections, 500,
	  guest_takes_spis, FP_NOBODY },
	{ "irqfd-guest-fp", "... the guest uses FP each round", injections, 500,
	  guest_takes_spis_fp, FP_GUEST },
	{ "irqfd-vmm-fp", "... the VMM uses FP each round", injections, 500, guest_takes_spis,
	  FP_VMM },
	{ "irqfd-both-fp", "... both use FP each round", injections, 500, guest_takes_spis_fp,
	  FP_BOTH },
};
const struct row_list exit_rows = ROW_LIST(rows);
