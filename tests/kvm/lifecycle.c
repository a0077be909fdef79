/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMs made, run and dropped: `lifecycle [COUNT]`, 100 without. Nothing may be left behind: free
 * memory is what it was. Files are closed in every order, and processes end while their vCPUs run.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/kvm/lib/vm.h"

static struct vm vm;
static volatile uint64_t turns;

static GUEST void guest_adds(uint64_t n)
{
	guest_done(n + 1);
}

static GUEST void guest_spins(uint64_t arg)
{
	(void)arg;
	for (;;)
		turns++;
}

/* VMs made, run and dropped. */
static int count(void)
{
	return (int)rounds_wanted(on_stet() ? 1000 : 200); /* each takes Linux so much longer */
}

/* MemFree in KiB, without what Linux keeps as long as nobody needs it; -1 if nobody tells. */
static long memory_free(void)
{
	char text[4096] = { 0 }, *at;
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
	long n = write(fd, "3", 1);

	close(fd);
	fd = open("/proc/meminfo", O_RDONLY);
	n = read(fd, text, sizeof(text) - 1);

	close(fd);
	at = n > 0 ? strstr(text, "MemFree:") : NULL;
	return at ? atol(at + 8) : -1;
}

/*
 * How many KiB less may be free after n VMs: a few pages in all. Linux keeps more in places of its
 * own, and 6.1 loses some 8 KiB with each.
 */
static long slack(int n)
{
	return on_stet() ? 32 : 8000 + 10 * n;
}

static void one_life(uint64_t i)
{
	uint64_t done = 0;

	vm_create(&vm, 2);
	expect_eq(vm_add_gic(&vm, 64), 0);
	vcpu_start(&vm.vcpu[i & 1], guest_adds, i);
	expect(vcpu_run_done(&vm.vcpu[i & 1], &done));
	expect_eq(done, i + 1);
	vm_destroy(&vm);
}

TEST(free_memory_is_what_it_was_after_many_vms)
{
	long before, after;

	for (uint64_t i = 0; i < 20; i++)
		one_life(i);
	sleep_ms(100);
	before = memory_free();
	for (int i = 0; i < count() && !tap_failed; i++)
		one_life((uint64_t)i);
	/* Linux frees some of it later, on other threads, and keeps some for the next time. */
	for (int i = 0; i < 50 && (after = memory_free()) < before - slack(count()); i++)
		sleep_ms(100);
	after = memory_free();
	tap_print("# %d VMs; MemFree %ld KiB before, %ld KiB after\n", count(), before, after);
	if (before < 0)
		tap_skip("no /proc/meminfo");
	else
		expect(after >= before - slack(count()));
}

TEST(files_close_in_any_order)
{
	static const int orders[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
					  { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	uint64_t done;

	for (int i = 0; i < 6; i++) {
		int fds[3];

		vm_create(&vm, 1);
		expect_eq(vm_add_gic(&vm, 64), 0);
		vcpu_start(&vm.vcpu[0], guest_adds, 0);
		expect(vcpu_run_done(&vm.vcpu[0], &done));
		fds[0] = vm.fd;
		fds[1] = vm.vcpu[0].fd;
		fds[2] = vm.gic;
		for (int n = 0; n < 3; n++)
			expect_eq(close(fds[orders[i][n]]), 0);
		/* The run page lives as long as its mapping. */
		vm.vcpu[0].run->immediate_exit = 1;
		munmap(vm.vcpu[0].run, (size_t)vm.run_size);
		munmap(vm.ram, VM_RAM_SIZE);
		close(vm.kvm);
	}
}

TEST(a_vcpu_runs_after_its_vm_is_closed)
{
	uint64_t done = 0;

	vm_create(&vm, 1);
	vcpu_start(&vm.vcpu[0], guest_adds, 6);
	close(vm.fd);
	close(vm.kvm);
	expect(vcpu_run_done(&vm.vcpu[0], &done));
	expect_eq(done, 7);
	vm.fd = vm.kvm = -1;
	vm_destroy(&vm);
}

TEST(eventfds_outlive_their_vm)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	struct kvm_irqfd irqfd = { .fd = (unsigned)fd, .gsi = 4 };
	struct kvm_ioeventfd io = { .addr = GUEST_PORT + 0x2000, .len = 4, .fd = fd };
	uint64_t one = 1;

	for (int i = 0; i < 20; i++) {
		vm_create(&vm, 1);
		expect_eq(vm_add_gic(&vm, 64), 0);
		expect_eq(ioc(vm.fd, KVM_IRQFD, &irqfd), 0);
		expect_eq(ioc(vm.fd, KVM_IOEVENTFD, &io), 0);
		vm_destroy(&vm);
		expect_eq(sys(__NR_write, fd, &one, 8), 8);
	}
	close(fd);
}

static void *run_forever(void *arg)
{
	vcpu_run(arg);
	return NULL;
}

/* In a process of its own: start two vCPUs that never leave, then end in the way asked for. */
static void child(bool killed)
{
	pthread_t t;

	vm_create(&vm, 2);
	for (int i = 0; i < 2; i++) {
		vcpu_start(&vm.vcpu[i], guest_spins, 0);
		pthread_create(&t, NULL, run_forever, &vm.vcpu[i]);
	}
	while (guest_view(&vm, turns) < 1000)
		sleep_ms(1);
	if (killed)
		kill(getpid(), SIGKILL);
	_exit(42);
}

static int child_status(bool killed)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		child(killed);
	expect(pid > 0);
	expect_eq(waitpid(pid, &status, 0), pid);
	return status;
}

TEST(a_process_ends_while_its_vcpus_run)
{
	long before = 0, after;

	for (int i = 0; i < 10; i++) {
		int status = child_status(false);

		expect(WIFEXITED(status) && WEXITSTATUS(status) == 42);
		status = child_status(true);
		expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		if (i == 4) /* whatever is kept for the next process is there now */
			before = memory_free();
	}
	for (int i = 0; i < 50 && (after = memory_free()) < before - slack(10); i++)
		sleep_ms(100);
	after = memory_free();
	tap_print("# MemFree %ld KiB before, %ld KiB after\n", before, after);
	expect(after >= before - slack(10));
}

TEST(a_child_inherits_the_files_but_not_the_vm)
{
	int status = 0;
	uint64_t done;
	pid_t pid;

	vm_create(&vm, 1);
	vcpu_start(&vm.vcpu[0], guest_adds, 1);
	pid = fork();
	if (pid == 0) {
		/* Another address space than the VM's: Linux answers EIO. */
		_exit(vcpu_run(&vm.vcpu[0]) == -EIO ? 0 : 1);
	}
	expect_eq(waitpid(pid, &status, 0), pid);
	expect_eq(status, 0);
	expect(vcpu_run_done(&vm.vcpu[0], &done));
	expect_eq(done, 2);
	vm_destroy(&vm);
}
