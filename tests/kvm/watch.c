/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc/stet/vm/N (docs/stat.md): exits counted by reason, and timed while the file is open.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "tests/kvm/lib/takes.h"

enum { CALLS = 10000, ACCESSES = 500, OPENINGS = 200, NAP_MS = 200, SLACK_NS = 50000000, LOOKS = 3000, DOZE_US = 100 };

#define DIRECTORY   "/proc/stet/vm"
#define VERSION_CALL 0x84000000u

static struct vm vm;
static uint64_t done; /* what guests say at their end */
static bool seen_enough;

struct row {
	uint64_t count, timed, sum, least, most, squares;
};

/* What the file says of one vCPU. */
struct view {
	int pid, vcpus;
	uint64_t watched, guest, host, idle, loads;
	struct row hvc, vmm, kernel, wfx, all;
};

static struct row *row_named(struct view *v, const char *reason)
{
	static const char *const names[] = { "hvc", "mmio-vmm", "mmio-kernel", "wfx" };
	struct row *const rows[] = { &v->hvc, &v->vmm, &v->kernel, &v->wfx };

	for (unsigned i = 0; i < 4; i++)
		if (!strcmp(names[i], reason))
			return rows[i];
	return NULL;
}

static void parse_exit(struct view *v, const char *line, int id)
{
	struct row r, *kept;
	char reason[24];
	int vcpu;

	if (sscanf(line, "exit %d %23s %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64, &vcpu,
		   reason, &r.count, &r.timed, &r.sum, &r.least, &r.most, &r.squares) != 8 || vcpu != id)
		return;
	expect(r.timed <= r.count && r.least <= r.most);
	expect(r.timed * r.least <= r.sum && r.sum <= r.timed * r.most);
	/* At least sum squared by count, as far as the unit shows it. */
	if (r.timed)
		expect((double)(r.squares + 1) * (1 << 20) >=
		       (double)r.sum * (double)r.sum / (double)r.timed * 0.999);
	v->all.count += r.count;
	v->all.timed += r.timed;
	v->all.sum += r.sum;
	kept = row_named(v, reason);
	if (kept)
		*kept = r;
}

static void parse(struct view *v, char *text, int id)
{
	char *rest, *line = strtok_r(text, "\n", &rest);

	expect(line && !strcmp(line, "stet-vm 1"));
	for (; line; line = strtok_r(NULL, "\n", &rest)) {
		uint64_t guest, host, idle, loads;
		int vcpu;

		sscanf(line, "vm %*d pid %d vcpus %d watched %" SCNu64, &v->pid, &v->vcpus, &v->watched);
		if (sscanf(line, "vcpu %d guest %" SCNu64 " host %" SCNu64 " idle %" SCNu64, &vcpu, &guest, &host,
			   &idle) == 4 && vcpu == id) {
			v->guest = guest;
			v->host = host;
			v->idle = idle;
		}
		if (sscanf(line, "bank %d guest %*u %" SCNu64, &vcpu, &loads) == 2 && vcpu == id)
			v->loads = loads;
		parse_exit(v, line, id);
	}
}

/* The file of the one VM that process has; -1: there is none, or none such on this kernel. */
static int vm_open(int pid)
{
	DIR *dir = opendir(DIRECTORY);
	struct dirent *e;
	int found = -1;

	while (dir && found < 0 && (e = readdir(dir))) {
		char path[300], text[64] = "";
		int of = 0;

		snprintf(path, sizeof(path), DIRECTORY "/%s", e->d_name);
		found = e->d_name[0] == '.' ? -1 : open(path, O_RDONLY);
		if (found < 0)
			continue;
		if (read(found, text, sizeof(text) - 1) > 0)
			sscanf(text, "stet-vm 1 vm %*d pid %d", &of);
		if (of != pid) {
			close(found);
			found = -1;
		}
	}
	if (dir)
		closedir(dir);
	return found;
}

static bool here(void)
{
	if (!access(DIRECTORY, F_OK))
		return true;
	tap_skip("no " DIRECTORY " here");
	return false;
}

/* Bytes read; 0: that VM has gone. */
static ssize_t look(int fd, struct view *v, int id)
{
	static char text[65536];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	memset(v, 0, sizeof(*v));
	if (n <= 0)
		return n;
	text[n] = '\0';
	parse(v, text, id);
	return n;
}

/* ---- guests ---- */

static GUEST void guest_calls(uint64_t n)
{
	while (n--)
		hvc(VERSION_CALL, 0, 0, 0);
	guest_done(1);
}

/* Accesses to the GIC and to the VMM. */
static GUEST void guest_accesses(uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		mmio_read32(GUEST_GICD);
		mmio_write32(GUEST_PORT + PORT_TEST, (uint32_t)i);
	}
	guest_done(1);
}

static GUEST void guest_naps(uint64_t ms)
{
	takes_begin(takes_timer_off);
	takes_timer(takes_now() + takes_us(ms * 1000), ENABLE);
	wfi_until(taken[TIMER]);
	guest_done(1);
}

/* Short waits, until the VMM has seen enough. */
static GUEST void guest_dozes(uint64_t us)
{
	takes_begin(takes_timer_off);
	for (uint32_t n = 1; !*(volatile bool *)&seen_enough; n++) {
		takes_timer(takes_now() + takes_us(us), ENABLE);
		wfi_until(taken[TIMER] >= n);
	}
	guest_done(1);
}

/* ---- tests ---- */

/* CALLS hypercalls; nanoseconds for one, which under icount are instructions. */
static uint64_t calls(void)
{
	uint64_t begin;

	vcpu_start(&vm.vcpu[0], guest_calls, CALLS);
	begin = now_ns(CLOCK_MONOTONIC);
	expect(vcpu_run_done(&vm.vcpu[0], &done));
	return (now_ns(CLOCK_MONOTONIC) - begin) / CALLS;
}

TEST(hypercalls_are_counted_and_timed_while_watched)
{
	uint64_t unwatched;
	struct view v;
	int fd;

	if (!here())
		return;
	vm_create(&vm, 1);
	unwatched = calls();
	fd = vm_open(getpid());
	require(fd >= 0);
	expect(look(fd, &v, 0) > 0);
	expect_eq(v.pid, getpid());
	expect_eq(v.vcpus, 1);
	expect_eq(v.hvc.count, CALLS);
	expect_eq(v.hvc.timed, 0);
	expect_eq(v.vmm.count, 1);
	expect_eq(v.loads, 1);
	tap_print("# a hypercall: %" PRIu64 " ns, watched %" PRIu64 "\n", unwatched, calls());
	expect(look(fd, &v, 0) > 0);
	expect_eq(v.hvc.count, 2 * CALLS);
	expect_eq(v.hvc.timed, CALLS);
	expect(v.hvc.least > 0 && v.guest > 0);
	close(fd);
	vm_destroy(&vm);
}

TEST(accesses_are_told_apart_by_who_answers)
{
	struct view v;
	int fd;

	if (!here())
		return;
	vm_create(&vm, 1);
	expect_eq(vm_add_gic(&vm, 64), 0);
	fd = vm_open(getpid());
	require(fd >= 0);
	vcpu_start(&vm.vcpu[0], guest_accesses, ACCESSES);
	do
		require(expect_eq(vcpu_run(&vm.vcpu[0]), 0));
	while (vm.vcpu[0].run->mmio.phys_addr == GUEST_PORT + PORT_TEST);
	expect(look(fd, &v, 0) > 0);
	expect_eq(v.kernel.count, ACCESSES);
	expect_eq(v.kernel.timed, ACCESSES);
	expect_eq(v.vmm.count, ACCESSES + 1);
	expect_eq(v.vmm.timed, ACCESSES); /* the last one is not over */
	close(fd);
	vm_destroy(&vm);
}

/* Guest, host and idle are all there is, and a wait is idle. */
TEST(times_add_up)
{
	struct view v;
	uint64_t sum;
	int fd;

	if (!here())
		return;
	takes_create(&vm, 1);
	fd = vm_open(getpid());
	require(fd >= 0);
	vcpu_start(&vm.vcpu[0], guest_naps, NAP_MS);
	expect(vcpu_run_done(&vm.vcpu[0], &done));
	expect(look(fd, &v, 0) > 0);
	tap_print("# watched %" PRIu64 ", guest %" PRIu64 ", host %" PRIu64 ", idle %" PRIu64 " ns\n", v.watched,
		  v.guest, v.host, v.idle);
	expect(v.idle >= NAP_MS * 500000ul);
	expect(v.wfx.timed >= 1 && v.wfx.most >= NAP_MS * 500000ul);
	sum = v.guest + v.host + v.idle;
	expect(sum + SLACK_NS >= v.watched && sum <= v.watched + SLACK_NS);
	expect(v.all.sum <= v.host + v.idle + 1000);
	close(fd);
	takes_destroy(&vm);
}

/* What was told of guest, host and idle time stays true, though the vCPU was on its way to a wait. */
TEST(no_time_is_taken_back)
{
	struct view v, before = { 0 };
	bool grows = true;
	int fd;

	if (!here())
		return;
	takes_create(&vm, 1);
	fd = vm_open(getpid());
	require(fd >= 0);
	guest_view(&vm, seen_enough) = false;
	vcpu_thread_start(&vm.vcpu[0], guest_dozes, DOZE_US);
	for (int i = 0; i < LOOKS && grows; i++) {
		expect(look(fd, &v, 0) > 0);
		grows = v.guest >= before.guest && v.host >= before.host && v.idle >= before.idle;
		before = v;
	}
	expect(grows);
	guest_view(&vm, seen_enough) = true;
	expect(vcpu_thread_join(&vm.vcpu[0], &done));
	close(fd);
	takes_destroy(&vm);
}

TEST(a_new_watcher_begins_anew)
{
	struct view v;
	int fd;

	if (!here())
		return;
	vm_create(&vm, 1);
	fd = vm_open(getpid());
	require(fd >= 0);
	calls();
	close(fd);
	calls();
	fd = vm_open(getpid());
	require(fd >= 0);
	expect(look(fd, &v, 0) > 0);
	expect_eq(v.hvc.count, 2 * CALLS);
	expect_eq(v.all.timed, 0);
	close(fd);
	vm_destroy(&vm);
}

TEST(other_processes_see_it_and_its_end)
{
	int go[2], status, parent = getpid();
	char byte = 0;

	if (!here())
		return;
	vm_create(&vm, 2);
	require(!pipe(go));
	if (!fork()) { /* has the VM's files too, until it closes them */
		struct view v;
		int fd = vm_open(parent);
		bool seen = fd >= 0 && look(fd, &v, 1) > 0 && v.vcpus == 2;

		for (int i = 0; i < 2; i++) {
			munmap(vm.vcpu[i].run, (size_t)vm.run_size);
			close(vm.vcpu[i].fd);
		}
		close(vm.fd);
		close(go[1]);
		if (!seen || read(go[0], &byte, 1) != 0)
			_exit(1);
		for (int i = 0; i < 1000 && look(fd, &v, 0); i++)
			sleep_ms(2);
		_exit(look(fd, &v, 0) == 0 && vm_open(parent) < 0 ? 0 : 2);
	}
	close(go[0]);
	sleep_ms(50);
	vm_destroy(&vm);
	close(go[1]);
	expect(wait(&status) > 0);
	expect_eq(status, 0);
}

static volatile bool stop_opening;

static void *open_and_close(void *count)
{
	struct view v;

	for (int i = 0; i < OPENINGS || !stop_opening; i++) {
		int fd = vm_open(getpid());

		if (fd >= 0) {
			look(fd, &v, i & 1);
			close(fd);
			++*(int *)count;
		}
	}
	return NULL;
}

/* While vCPUs run watchers come and go, as many as they like: no exit is lost. */
TEST(watchers_come_and_go_while_it_runs)
{
	pthread_t opener;
	struct view v;
	int count = 0, fd;

	if (!here())
		return;
	vm_create(&vm, 2);
	vcpu_thread_start(&vm.vcpu[0], guest_calls, 20 * CALLS);
	vcpu_thread_start(&vm.vcpu[1], guest_calls, 20 * CALLS);
	pthread_create(&opener, NULL, open_and_close, &count);
	expect(vcpu_thread_join(&vm.vcpu[0], &done));
	expect(vcpu_thread_join(&vm.vcpu[1], &done));
	stop_opening = true;
	pthread_join(opener, NULL);
	expect(count >= OPENINGS);
	fd = vm_open(getpid());
	require(fd >= 0);
	for (int id = 0; id < 2; id++) {
		expect(look(fd, &v, id) > 0);
		expect_eq(v.hvc.count, 20 * CALLS);
	}
	close(fd);
	vm_destroy(&vm);
}
