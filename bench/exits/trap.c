/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traps the kernel answers itself: a host program's system call and a trivial ioctl, a guest's
 * hypercall, its accesses to the in-kernel GIC, an SGI it sends to itself, and what should not trap
 * at all, the end of an interrupt.
 */
#include "bench/exits/rows.h"

enum { SMCCC_VERSION = 0x80000000u, SGI = 3 };

GUEST_INLINE void guest_hypercalls_with(uint64_t rounds, enum fp fp)
{
	uint64_t begin = section_begin();

	while (rounds--) {
		guest_fp(fp);
		hvc(SMCCC_VERSION, 0, 0, 0);
	}
	guest_done(section_end(begin));
}
GUEST_PAIR(guest_hypercalls)

GUEST_INLINE void guest_gic_reads_with(uint64_t rounds, enum fp fp)
{
	uint64_t begin = section_begin();

	while (rounds--) {
		guest_fp(fp);
		mmio_read32(GUEST_GICD + GICD_TYPER);
	}
	guest_done(section_end(begin));
}
GUEST_PAIR(guest_gic_reads)

/* Enabling what is enabled: the model is asked, nothing becomes pending. */
GUEST_INLINE void guest_gic_writes_with(uint64_t rounds, enum fp fp)
{
	uint64_t begin;

	guest_takes(on_count, SPI);
	begin = section_begin();
	while (rounds--) {
		guest_fp(fp);
		mmio_write32(GUEST_GICD + GICD_ISENABLER + SPI / 32 * 4, 1u << SPI % 32);
	}
	guest_done(section_end(begin));
}
GUEST_PAIR(guest_gic_writes)

static GUEST void guest_ends(uint64_t rounds)
{
	uint64_t begin;

	guest_takes(on_count, SPI);
	begin = section_begin();
	while (rounds--)
		sysreg_write(s3_0_c12_c12_1, IRQ_SPURIOUS); /* ICC_EOIR1_EL1 */
	guest_done(section_end(begin));
}

static GUEST void guest_sgis_itself(uint64_t rounds)
{
	uint64_t begin, seen = 0;

	guest_takes(on_count, SGI);
	begin = section_begin();
	while (rounds--) {
		sgi_send(SGI, 1);
		while (irqs[0] == seen)
			;
		seen++;
	}
	guest_done(section_end(begin));
}

static uint64_t getppid_calls(const struct row *row, uint64_t rounds)
{
	uint64_t begin = section_begin();

	(void)row;
	while (rounds--)
		sys(__NR_getppid);
	return section_end(begin);
}

static uint64_t version_ioctls(const struct row *row, uint64_t rounds)
{
	uint64_t begin;

	(void)row;
	vm_create_bare(&vm);
	begin = section_begin();
	while (rounds--)
		ioc(vm.kvm, KVM_GET_API_VERSION, 0);
	begin = section_end(begin);
	vm_destroy(&vm);
	return begin;
}

static const struct row rows[] = {
	{ "getppid", "system call", getppid_calls, 2000, NULL, FP_NOBODY },
	{ "api-version", "KVM_GET_API_VERSION", version_ioctls, 2000, NULL, FP_NOBODY },
	{ "hypercall", "hypercall answered in the kernel", guest_timed, 2000, guest_hypercalls,
	  FP_NOBODY },
	{ "hypercall-guest-fp", "... the guest uses FP each round", guest_timed, 2000,
	  guest_hypercalls_fp, FP_GUEST },
	{ "hypercall-watched", "... its exits are timed: stet top looks", guest_watched, 2000,
	  guest_hypercalls, FP_NOBODY },
	{ "gic-read", "MMIO read answered by the in-kernel GIC", guest_timed, 2000, guest_gic_reads,
	  FP_NOBODY },
	{ "gic-read-guest-fp", "... the guest uses FP each round", guest_timed, 500,
	  guest_gic_reads_fp, FP_GUEST },
	{ "gic-write", "MMIO write to the in-kernel GIC: GICD_ISENABLER", guest_timed, 2000,
	  guest_gic_writes, FP_NOBODY },
	{ "gic-write-guest-fp", "... the guest uses FP each round", guest_timed, 500,
	  guest_gic_writes_fp, FP_GUEST },
	{ "eoi", "ICC_EOIR1 write, which does not trap", guest_timed, 2000, guest_ends, FP_NOBODY },
	{ "sgi-self", "SGI of a vCPU to itself: sent, taken, ended", guest_timed, 500,
	  guest_sgis_itself, FP_NOBODY },
};
const struct row_list trap_rows = ROW_LIST(rows);
