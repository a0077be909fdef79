/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts for a vCPU that waits in WFI, or is preempted, on a CPU where another vCPU comes and
 * goes and takes the guest bank: timers, SGIs, lines and eventfds, each taken once. A vCPU that is
 * evicted while it waits is woken by a timer of the host's. One whose thread is in the VMM:
 * resident.c.
 */
#include <pthread.h>
#include <sched.h>
#include <unistd.h>
#include "tests/kvm/lib/takes.h"
#include "tests/lib/cpus.h"

enum { INJECTIONS = 300, SGIS = 60, TICK_US = 500 };

static struct vm vm;
static struct vcpu *vcpu, *other;
static uint64_t seed;
static volatile uint32_t stop, sgis_sent;

static GUEST void on_tick(struct guest_cpu *cpu)
{
	uint32_t n = irq_acknowledge();

	if (n >= IRQS)
		return;
	taken[n]++;
	if (n == TIMER) {
		if (takes_now() < sysreg_read(cntv_cval_el0))
			early++;
		takes_timer(takes_now() + takes_us(TICK_US), ENABLE);
	}
	(void)cpu;
	irq_end(n);
}

static GUEST void guest_counts(uint64_t sleeps)
{
	takes_begin(on_tick);
	takes_timer(takes_now() + takes_us(TICK_US), ENABLE);
	irq_enable();
	if (sleeps)
		wfi_until(stop);
	while (!stop)
		cpu_relax();
	irq_disable();
	guest_done(1);
}

/* Sends SGIs, each when the one before was taken, and otherwise is in the way. */
static GUEST void guest_is_in_the_way(uint64_t arg)
{
	(void)arg;
	gicv3_init();
	for (uint32_t round = 0; !stop; round++) {
		if (sgis_sent < SGIS && taken[SGI] == sgis_sent) {
			sgis_sent++;
			sgi_send(SGI, 1);
		}
		mmio_write32(GUEST_PORT + PORT_TEST, round);
	}
	guest_done(1);
}

static void *run_in_the_way(void *arg)
{
	(void)arg;
	cpus_pin(0);
	do {
		if (!expect_eq(vcpu_run(other), 0))
			break;
	} while (other->run->mmio.phys_addr == GUEST_PORT + PORT_TEST);
	return NULL;
}

static void *run_counting(void *arg)
{
	uint64_t *done = arg;

	cpus_pin(0);
	expect(vcpu_run_done(vcpu, done));
	return NULL;
}

/* Wait until the guest has taken interrupt n that often: it has to come within 20 s. */
static bool wait_taken(unsigned n, uint32_t times)
{
	for (int i = 0; i < 200000 && guest_view(&vm, taken[n]) < times; i++) {
		if (i < 2000)
			sched_yield();
		else
			usleep(100);
	}
	return expect_eq(guest_view(&vm, taken[n]), times);
}

static void expect_counted(uint64_t sleeps)
{
	uint32_t times[IRQS] = { 0 };
	pthread_t counting, in_the_way;
	uint64_t done = 0;

	seed = 3;
	takes_create(&vm, 2);
	vcpu = &vm.vcpu[0];
	other = &vm.vcpu[1];
	vcpu_start(vcpu, guest_counts, sleeps);
	vcpu_start(other, guest_is_in_the_way, 0);
	pthread_create(&counting, NULL, run_counting, &done);
	pthread_create(&in_the_way, NULL, run_in_the_way, NULL);
	while (guest_view(&vm, taken[TIMER]) < 2)
		sleep_ms(1);
	for (unsigned i = 0; i < INJECTIONS && !tap_failed; i++) {
		unsigned n = EDGE0 + (unsigned)(random_next(&seed) % 8);

		if (n >= FDS0)
			takes_signal(n - FDS0);
		else
			takes_pulse(&vm, n);
		wait_taken(n, ++times[n]);
	}
	wait_taken(SGI, SGIS);
	for (int i = 0; i < 20000 && guest_view(&vm, taken[TIMER]) < 50; i++)
		sleep_ms(1);
	expect(guest_view(&vm, taken[TIMER]) >= 50);
	guest_view(&vm, stop) = 1;
	pthread_join(counting, NULL);
	pthread_join(in_the_way, NULL);
	expect_eq(done, 1);
	expect_eq(guest_view(&vm, early), 0);
	expect_eq(guest_view(&vm, taken[SGI]), SGIS);
	for (unsigned n = EDGE0; n < LEVEL0; n++)
		expect_eq(guest_view(&vm, taken[n]), times[n]);
	takes_destroy(&vm);
}

TEST(what_comes_while_it_waits_is_taken_once)
{
	expect_counted(1);
}

TEST(what_comes_while_it_is_preempted_is_taken_once)
{
	expect_counted(0);
}
