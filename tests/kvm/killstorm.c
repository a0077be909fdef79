/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMMs killed at any moment: while their vCPUs run, in stage 2 faults, in ioctls, while they are
 *made and while they end; each tells in shared memory how far it is, so that every kind is seen to
 *be met. A VM of this process goes on meanwhile with all its registers, and afterwards memory is
 *free again, no VM and no process is left, no interrupt comes for nobody, and new VMs get all they
 *ask for on each CPU.
 *
 * Where a guest could go on without end, it yields: under -icount QEMU's other CPUs have no turn
 *otherwise.
 *
 *	killstorm [ROUNDS [SEED]]
 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "tests/kvm/lib/vm.h"
#include "tests/lib/cpus.h"

enum { ROUNDS = 100, WARM_UP = 20, SLOT = 1, SLOT_AT = 0x40000000, SLOT_SIZE = 16 << 20, SPI = 40 };
enum { LOST_KIB = 512, LINUX_LOST_KIB = 16384, LONGEST_US = 12000, RUN_US = 3000, END_US = 400 };
enum { QUIET_MS = 500, QUIET_INTERRUPTS = 100 };

static struct vm vm, mine;

/* What those that are killed tell. */
enum phase { MAKING, RUNNING, ENDING, PHASES };
static const char *const phase_names[] = { "made", "run", "end" };
static struct {
	volatile enum phase phase;
	volatile unsigned calls; /* of call_much() */
} * told;

static volatile uint64_t stop, turns;

/* ---- what the guests of those that are killed do ---- */

static GUEST void on_irq(struct guest_cpu *cpu)
{
	uint32_t n = irq_acknowledge();

	(void)cpu;
	if (n == 27)
		sysreg_write(cntv_ctl_el0, 0);
	isb();
	irq_end(n);
	cpu_relax(); /* the SPI comes again until call_much() lowers it */
}

/* Faults, interrupts, exits and sleeps for ever. */
static GUEST void guest_busy(uint64_t id)
{
	guest_self()->on_irq = on_irq;
	gicv3_init();
	gicv3_enable(27, IRQ_PRIORITY);
	gicv3_enable(SPI, IRQ_PRIORITY);
	gicv3_enable(3, IRQ_PRIORITY);
	irq_enable();
	for (uint64_t n = 0;; n++) {
		*(volatile uint64_t *)(SLOT_AT + (n * 4096 * 7 + id * 4096) % SLOT_SIZE) = n;
		__asm__ volatile("fmov d3, %0" ::"r"(n) : "v3");
		if (n % 16 == 0)
			sgi_send(3, 3);
		if (n % 32 == 0)
			mmio_write64(GUEST_PORT + PORT_TEST, n);
		if (n % 64 == 0) {
			sysreg_write(cntv_tval_el0, 3000);
			sysreg_write(cntv_ctl_el0, 1);
			__asm__ volatile("isb\n\twfi");
		}
	}
}

static void *run_busy(void *arg)
{
	struct vcpu *vcpu = arg;

	vcpu_start(vcpu, guest_busy, (uint64_t)vcpu->id);
	while (vcpu_run(vcpu) == 0)
		if (told->phase == MAKING)
			told->phase = RUNNING;
	return NULL;
}

/* ioctls of all kinds, and memory that comes and goes under the guests. */
static void *call_much(void *arg)
{
	int event = eventfd(0, EFD_NONBLOCK);
	struct kvm_irqfd irqfd = { .fd = (uint32_t)event, .gsi = SPI - 32 };

	for (unsigned n = 0;; n++) {
		struct kvm_ioeventfd io = { .addr = GUEST_PORT + 128, .len = 8, .fd = event };

		vm_irq_line(&vm, SPI, n & 1);
		ioc(vm.fd, KVM_IRQFD, &irqfd);
		ioc(vm.fd, KVM_IOEVENTFD, &io);
		eventfd_write(event, 1);
		madvise(arg, SLOT_SIZE, MADV_DONTNEED);
		(void)reg_get64(&vm.vcpu[n & 1], REG_CORE(regs.pc));
		irqfd.flags ^= KVM_IRQFD_FLAG_DEASSIGN;
		io.flags = KVM_IOEVENTFD_FLAG_DEASSIGN;
		ioc(vm.fd, KVM_IOEVENTFD, &io);
		close((int)ioc(vm.kvm, KVM_CREATE_VM, 0));
		told->calls++;
		__asm__ volatile("yield");
	}
	return NULL;
}

/* When it is to be killed, at the earliest. */
static enum phase killed_in(uint64_t kind)
{
	return kind % 8 == 1 ? ENDING : kind % 16 < 8 ? MAKING : RUNNING;
}

static _Noreturn void victim(uint64_t kind)
{
	pthread_t t;
	void *memory =
		mmap(NULL, SLOT_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	vm_create(&vm, 2);
	vm_add_gic(&vm, 64);
	vm_add_memory(&vm, SLOT, SLOT_AT, SLOT_SIZE, memory, 0);
	pthread_create(&t, NULL, run_busy, &vm.vcpu[0]);
	pthread_create(&t, NULL, run_busy, &vm.vcpu[1]);
	if (kind % 4 != 0)
		pthread_create(&t, NULL, call_much, memory);
	if (killed_in(kind) == ENDING) {
		usleep((unsigned)(kind >> 8) % LONGEST_US);
		told->phase = ENDING;
		_exit(0);
	}
	for (;;)
		pause();
}

/* ---- the one that goes on ---- */

static GUEST void guest_counts(uint64_t arg)
{
	uint64_t wrong = 0, low;

	(void)arg;
	while (!stop) {
		uint64_t v = ++turns;

		sysreg_write(contextidr_el1, v);
		sysreg_write(tpidr_el0, ~v);
		__asm__ volatile("fmov d9, %0" ::"r"(v) : "v9");
		for (unsigned i = 0; i < 1000; i++)
			__asm__ volatile("" ::: "memory");
		cpu_relax();
		__asm__ volatile("fmov %0, d9" : "=r"(low));
		wrong += low != v || (uint32_t)sysreg_read(contextidr_el1) != (uint32_t)v;
		wrong += sysreg_read(tpidr_el0) != ~v;
	}
	guest_done(wrong);
}

/* ---- the storm ---- */

static struct sysinfo machine(void)
{
	struct sysinfo info;

	sysinfo(&info);
	return info;
}

static long free_kib(void)
{
	struct sysinfo info = machine();

	return (long)(info.freeram * info.mem_unit >> 10);
}

/* VMs that /proc/stet knows. */
static int vms_left(void)
{
	DIR *dir = opendir("/proc/stet/vm");
	struct dirent *entry;
	int n = 0;

	while (dir && (entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return n;
}

/* All that any CPU has taken. */
static unsigned long interrupts(void)
{
	FILE *in = fopen("/proc/interrupts", "r");
	unsigned long sum = 0, one;
	char line[512], *end;

	while (in && fgets(line, sizeof(line), in)) {
		char *at = strchr(line, ':');

		for (at = at ? at + 1 : line + strlen(line); one = strtoul(at, &end, 10), end != at;
		     at = end)
			sum += one;
	}
	if (in)
		fclose(in);
	return sum;
}

static uint64_t seed;
static unsigned met[PHASES], met_calls;

/* Without the time that falling asleep and waking takes. */
static void spin_us(uint64_t us)
{
	for (uint64_t until = now_ns(CLOCK_MONOTONIC) + us * 1000; now_ns(CLOCK_MONOTONIC) < until;)
		__asm__ volatile("yield");
}

static void one_kill(void)
{
	uint64_t kind = random_next(&seed), wait = random_next(&seed);
	enum phase first = killed_in(kind);
	int status = 0, pid;

	told->phase = MAKING;
	told->calls = 0;
	pid = fork();
	if (pid == 0)
		victim(kind);
	if (first == MAKING)
		usleep((unsigned)(wait % LONGEST_US));
	while (told->phase < first)
		__asm__ volatile("yield");
	if (first != MAKING)
		spin_us(wait % (first == ENDING ? END_US : RUN_US));
	if (waitpid(pid, &status, WNOHANG) == 0) {
		met[told->phase]++;
		met_calls += told->calls > 0;
		kill(pid, SIGKILL);
		expect_eq(waitpid(pid, &status, 0), pid);
	}
	expect(WIFSIGNALED(status) || (first == ENDING && WEXITSTATUS(status) == 0));
}

static void expect_all_met(int rounds)
{
	for (int i = MAKING; i < PHASES; i++) {
		tap_print("# killed while they %s: %u\n", phase_names[i], met[i]);
		expect(met[i] > 0 || rounds < ROUNDS);
	}
	tap_print("# ... and other threads called: %u\n", met_calls);
	expect(met_calls > 0);
}

/* What is no VM's and no process's any more goes to nobody. Linux has interrupts of its own. */
static void expect_quiet(void)
{
	unsigned long before = interrupts(), taken;

	sleep_ms(QUIET_MS);
	taken = interrupts() - before;
	if (on_stet() && !expect(taken < QUIET_INTERRUPTS))
		tap_print("# %lu interrupts in %d ms\n", taken, QUIET_MS);
}

static long limit_kib(void)
{
	return on_stet() ? LOST_KIB : LINUX_LOST_KIB;
}

TEST(nothing_is_left_of_vmms_that_are_killed)
{
	int rounds = (int)rounds_wanted(ROUNDS), processes, vms;
	uint64_t value = 1, before_turns;
	long before, after;

	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	seed = tap_argc > 2 ? strtoul(tap_argv[2], NULL, 0) : 20;
	vm_create(&mine, 1);
	vcpu_thread_start(&mine.vcpu[0], guest_counts, 0);
	for (int i = 0; i < WARM_UP; i++)
		one_kill();
	sleep_ms(200);
	processes = machine().procs;
	vms = vms_left();
	before = free_kib();
	before_turns = guest_view(&mine, turns);
	for (int i = 0; i < rounds && !tap_failed; i++)
		one_kill();
	for (int i = 0; i < 100 && free_kib() < before - limit_kib(); i++)
		sleep_ms(50);
	after = free_kib();
	if (!expect(after >= before - limit_kib()))
		tap_print("# %ld KiB free before, %ld after\n", before, after);
	expect(guest_view(&mine, turns) > before_turns);
	expect_all_met(rounds);
	if (on_stet()) {
		expect_eq(machine().procs, processes);
		expect_eq(vms_left(), vms);
	}
	guest_view(&mine, stop) = 1;
	expect(vcpu_thread_join(&mine.vcpu[0], &value));
	expect_eq(value, 0);
	vm_destroy(&mine);
	expect_quiet();
}

static int open_files(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static volatile uint64_t taken;

static GUEST void on_each(struct guest_cpu *cpu)
{
	uint32_t n = irq_acknowledge();

	(void)cpu;
	if (n == 27)
		sysreg_write(cntv_ctl_el0, 0);
	else
		gicv3_disable(n);
	taken |= n == 27 ? 1 : n == SPI ? 2 : n == 3 ? 4 : 8;
	isb();
	irq_end(n);
}

/* It takes a timer's, another device's and its own interrupt. */
static GUEST void guest_answers(uint64_t arg)
{
	guest_self()->on_irq = on_each;
	gicv3_init();
	gicv3_enable(27, IRQ_PRIORITY);
	gicv3_enable(SPI, IRQ_PRIORITY);
	gicv3_enable(3, IRQ_PRIORITY);
	sysreg_write(cntv_tval_el0, 100);
	sysreg_write(cntv_ctl_el0, 1);
	sgi_send(3, 1);
	wfi_until(taken >= 7);
	guest_done(arg + taken);
}

TEST(vms_can_be_made_and_run_after_it)
{
	int files = open_files(), before = vms_left(), cpus = cpus_allowed();
	int vms = on_stet() ? 300 : 75;

	for (int i = 0; i < vms && !tap_failed; i++) {
		uint64_t value = 0;

		cpus_pin(i % cpus);
		vm_create(&vm, 1);
		vm_add_gic(&vm, 64);
		vm_irq_line(&vm, SPI, 1);
		vcpu_start(&vm.vcpu[0], guest_answers, (uint64_t)i);
		expect(vcpu_run_done(&vm.vcpu[0], &value));
		expect_eq(value, i + 7);
		vm_destroy(&vm);
	}
	cpus_unpin(cpus);
	expect_eq(open_files(), files);
	expect_eq(vms_left(), before);
}
