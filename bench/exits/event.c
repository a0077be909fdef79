/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events between a running guest and the rest without an exit to its VMM: a store that signals an
 * eventfd, an interrupt injected by another thread through an irqfd, and the end of a level
 * interrupt whose line stays up.
 */
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "bench/exits/rows.h"

GUEST_INLINE void guest_doorbells_with(uint64_t rounds, enum fp fp)
{
	uint64_t begin = section_begin();

	while (rounds--) {
		guest_fp(fp);
		mmio_write32(GUEST_PORT + DOORBELL, 1);
	}
	guest_done(section_end(begin));
}
GUEST_PAIR(guest_doorbells)

/* Busy until `rounds` interrupts have come; how long that took is measured by who sends them. */
GUEST_INLINE void guest_counts_with(uint64_t rounds, enum fp fp)
{
	gicv3_edge(SPI, true);
	guest_takes(fp ? on_count_fp : on_count, SPI);
	ready = 1;
	while (irqs[0] < rounds)
		cpu_relax();
	guest_done(0);
}
GUEST_PAIR(guest_counts)

/*
 * With the line up the next one comes before the guest's loop gets to an instruction, so the
 * handler sees to the end. The guest's own variables:
 */
static uint64_t level_rounds, level_begin;

static GUEST void on_level(struct guest_cpu *cpu)
{
	if (irqs[cpu->id] == 0)
		level_begin = section_begin();
	if (irqs[cpu->id] == level_rounds)
		guest_done(section_end(level_begin));
	on_count(cpu);
}

static GUEST void guest_level(uint64_t rounds)
{
	level_rounds = rounds;
	gicv3_edge(SPI, false);
	guest_takes(on_level, SPI);
	mmio_write32(GUEST_PORT + PORT_TEST, 0);
	for (;;)
		;
}

static uint64_t kicks(const struct row *row, uint64_t rounds)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	struct kvm_ioeventfd io = { .addr = GUEST_PORT + DOORBELL, .len = 4, .fd = fd };
	uint64_t ticks = 0, count = 0;

	vm_create(&vm, 1);
	if (vm_add_gic(&vm, 64) == 0 && ioc(vm.fd, KVM_IOEVENTFD, &io) == 0) {
		vcpu_start(&vm.vcpu[0], row->guest, rounds);
		vcpu_run_done(&vm.vcpu[0], &ticks);
	}
	vm_destroy(&vm);
	if (read(fd, &count, sizeof(count)) < 0 || count != rounds)
		ticks = 0;
	close(fd);
	return ticks;
}

struct sender {
	int fd;
	uint64_t rounds, ticks;
};

/* One interrupt after the other, each when the guest has taken the last. */
static inline void send_all(struct sender *s, enum fp fp)
{
	uint64_t one = 1, begin;

	while (!guest_view(&vm, ready))
		__asm__ volatile("yield");
	begin = section_begin();
	for (uint64_t sent = 0; sent < s->rounds; sent++) {
		sys(__NR_write, s->fd, &one, sizeof(one));
		vmm_fp(fp);
		while (guest_view(&vm, irqs[0]) == sent)
			__asm__ volatile("yield");
	}
	s->ticks = section_end(begin);
}

static void *sender_body(void *arg)
{
	send_all(arg, FP_NOBODY);
	return NULL;
}

static void *sender_body_fp(void *arg)
{
	send_all(arg, FP_VMM);
	return NULL;
}

/* The vCPU runs on one CPU, the thread that injects on another. */
static uint64_t injections_by_thread(const struct row *row, uint64_t rounds)
{
	struct sender sender = { .fd = eventfd(0, EFD_NONBLOCK), .rounds = rounds };
	struct kvm_irqfd irqfd = { .fd = (unsigned)sender.fd, .gsi = SPI - 32 };
	uint64_t ignored;
	pthread_t thread;

	if (!run_on_cpu(1) || !run_on_cpu(0))
		return 0;
	vm_create(&vm, 1);
	vm_add_gic(&vm, 64);
	vcpu_start(&vm.vcpu[0], row->guest, rounds);
	run_on_cpu(1); /* the thread's place, from its beginning */
	if (ioc(vm.fd, KVM_IRQFD, &irqfd) == 0 &&
	    pthread_create(&thread, NULL, row->fp & FP_VMM ? sender_body_fp : sender_body,
			   &sender) == 0) {
		run_on_cpu(0);
		vcpu_run_done(&vm.vcpu[0], &ignored);
		pthread_join(thread, NULL);
	}
	vm_destroy(&vm);
	close(sender.fd);
	return sender.ticks;
}

static uint64_t level_interrupts(const struct row *row, uint64_t rounds)
{
	uint64_t ticks = 0;
	long err;

	vm_create(&vm, 1);
	err = vm_add_gic(&vm, 64);
	vcpu_start(&vm.vcpu[0], row->guest, rounds);
	err = err ?: vcpu_run(&vm.vcpu[0]);
	err = err ?: vm_irq_line(&vm, SPI, 1);
	if (!err)
		vcpu_run_done(&vm.vcpu[0], &ticks);
	vm_destroy(&vm);
	return ticks;
}

static const struct row rows[] = {
	{ "ioeventfd", "guest store that signals an eventfd", kicks, 2000, guest_doorbells,
	  FP_NOBODY },
	{ "ioeventfd-guest-fp", "... the guest uses FP each round", kicks, 500, guest_doorbells_fp,
	  FP_GUEST },
	{ "irqfd-thread", "irqfd written by a thread, taken by a running vCPU (two CPUs)",
	  injections_by_thread, 500, guest_counts, FP_NOBODY },
	{ "irqfd-thread-guest-fp", "... the guest uses FP each round", injections_by_thread, 200,
	  guest_counts_fp, FP_GUEST },
	{ "irqfd-thread-vmm-fp", "... the VMM uses FP each round", injections_by_thread, 200,
	  guest_counts, FP_VMM },
	{ "irqfd-thread-both-fp", "... both use FP each round", injections_by_thread, 200,
	  guest_counts_fp, FP_BOTH },
	{ "eoi-level", "end of a level interrupt whose line is up, and taking it again",
	  level_interrupts, 500, guest_level, FP_NOBODY },
};
const struct row_list event_rows = ROW_LIST(rows);
