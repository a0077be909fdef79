/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking a vCPU out of its guest: signals, immediate_exit, and guests that would never leave by
 * themselves. Linux: Documentation/virt/kvm/api.rst, KVM_RUN and immediate_exit.
 */
#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#include "tests/kvm/lib/vm.h"

static struct vm vm;
static volatile uint64_t turns, stop;
static volatile int caught;

static void on_signal(int signo)
{
	caught += signo == SIGUSR1;
}

static void handle(int flags)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = flags };

	sigaction(SIGUSR1, &sa, NULL);
	caught = 0;
}

static GUEST void guest_spins(uint64_t arg)
{
	(void)arg;
	while (!stop)
		turns++;
	guest_done(turns);
}

/* Not even an exception could be taken: interrupts masked, one instruction. */
static GUEST void guest_is_stuck(uint64_t arg)
{
	(void)arg;
	irq_disable();
	turns = 1;
	for (;;)
		;
}

static GUEST void guest_sleeps(uint64_t arg)
{
	(void)arg;
	turns = 1;
	for (;;)
		__asm__ volatile("wfi");
}

/* Signals the thread that began it again and again, as one may come before KVM_RUN is there. */
struct kick {
	pthread_t thread;
	int tid;
	unsigned every_ms;
	volatile bool stop;
};

static void *kick_body(void *arg)
{
	struct kick *k = arg;

	while (!guest_view(&vm, turns))
		sleep_ms(1);
	while (!k->stop) {
		sleep_ms(k->every_ms);
		sys(__NR_tgkill, getpid(), k->tid, SIGUSR1);
	}
	return NULL;
}

static void kick_start(struct kick *k, unsigned every_ms)
{
	k->tid = (int)sys(__NR_gettid);
	k->every_ms = every_ms;
	k->stop = false;
	pthread_create(&k->thread, NULL, kick_body, k);
}

static void kick_end(struct kick *k)
{
	k->stop = true;
	pthread_join(k->thread, NULL);
}

static void expect_kicked(void (*guest)(uint64_t), int flags)
{
	struct kick k;

	vm_create(&vm, 1);
	expect_eq(vm_add_gic(&vm, 64), 0);
	handle(flags);
	vcpu_start(&vm.vcpu[0], guest, 0);
	kick_start(&k, 20);
	expect_eq(vcpu_run(&vm.vcpu[0]), -EINTR);
	expect_eq(vm.vcpu[0].run->exit_reason, KVM_EXIT_INTR);
	expect(caught >= 1);
	kick_end(&k);
	vm_destroy(&vm);
}

TEST(a_signal_interrupts_a_running_guest)
{
	expect_kicked(guest_spins, 0);
}

TEST(even_with_sa_restart)
{
	expect_kicked(guest_spins, SA_RESTART);
}

TEST(a_signal_interrupts_a_stuck_guest)
{
	expect_kicked(guest_is_stuck, 0);
}

TEST(a_signal_interrupts_a_sleeping_guest)
{
	expect_kicked(guest_sleeps, SA_RESTART);
}

TEST(a_guest_goes_on_after_a_hundred_kicks)
{
	uint64_t done;
	struct kick k;

	vm_create(&vm, 1);
	handle(SA_RESTART);
	vcpu_start(&vm.vcpu[0], guest_spins, 0);
	kick_start(&k, 1);
	for (int i = 0; i < 100; i++) {
		uint64_t before = guest_view(&vm, turns);

		expect_eq(vcpu_run(&vm.vcpu[0]), -EINTR);
		expect(guest_view(&vm, turns) >= before);
	}
	expect(caught >= 100);
	kick_end(&k);
	guest_view(&vm, stop) = 1;
	expect(vcpu_run_done(&vm.vcpu[0], &done));
	expect_eq(done, guest_view(&vm, turns));
	vm_destroy(&vm);
}

TEST(immediate_exit_keeps_the_guest_out)
{
	vm_create(&vm, 1);
	vcpu_start(&vm.vcpu[0], guest_spins, 0);
	vm.vcpu[0].run->immediate_exit = 1;
	for (int i = 0; i < 10; i++)
		expect_eq(vcpu_run(&vm.vcpu[0]), -EINTR);
	expect_eq(guest_view(&vm, turns), 0);
	vm_destroy(&vm);
}

TEST(a_pending_signal_keeps_the_guest_out)
{
	sigset_t mask, before;

	vm_create(&vm, 1);
	handle(0);
	vcpu_start(&vm.vcpu[0], guest_spins, 0);
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &mask, &before);
	sys(__NR_tgkill, getpid(), sys(__NR_gettid), SIGUSR1);
	/* Blocked, it does not count. */
	vm.vcpu[0].run->immediate_exit = 1;
	expect_eq(vcpu_run(&vm.vcpu[0]), -EINTR);
	expect_eq(caught, 0);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	expect_eq(caught, 1);
	vm_destroy(&vm);
}

TEST(the_signal_mask_of_a_vcpu_holds_while_it_runs)
{
	static char buffer[sizeof(struct kvm_signal_mask) + 8];
	struct kvm_signal_mask *run_mask = (void *)buffer;
	sigset_t mask, before;

	vm_create(&vm, 1);
	handle(0);
	vcpu_start(&vm.vcpu[0], guest_spins, 0);
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &mask, &before);
	run_mask->len = 8; /* nothing blocked in the guest */
	if (ioc(vm.vcpu[0].fd, KVM_SET_SIGNAL_MASK, run_mask) == 0) {
		sys(__NR_tgkill, getpid(), sys(__NR_gettid), SIGUSR1);
		expect_eq(vcpu_run(&vm.vcpu[0]), -EINTR);
		expect_eq(caught, 0);
		run_mask->len = 4;
		expect_eq(ioc(vm.vcpu[0].fd, KVM_SET_SIGNAL_MASK, run_mask), -EINVAL);
	} else {
		tap_skip("no KVM_SET_SIGNAL_MASK: KVM_CAP_IMMEDIATE_EXIT is enough for VMMs");
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	vm_destroy(&vm);
}

TEST(two_guests_share_a_cpu_with_a_program)
{
	uint64_t counter = 0, until = now_ns(CLOCK_MONOTONIC) + 300000000, a, b;

	vm_create(&vm, 2);
	vcpu_thread_start(&vm.vcpu[0], guest_spins, 0);
	vcpu_thread_start(&vm.vcpu[1], guest_spins, 0);
	while (now_ns(CLOCK_MONOTONIC) < until)
		counter++;
	expect(counter > 10);
	expect(guest_view(&vm, turns) > 0);
	guest_view(&vm, stop) = 1;
	expect(vcpu_thread_join(&vm.vcpu[0], &a));
	expect(vcpu_thread_join(&vm.vcpu[1], &b));
	vm_destroy(&vm);
}
