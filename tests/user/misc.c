/* SPDX-License-Identifier: BSD-2-Clause */
/* The small calls: who am I, what machine is this, random bytes, and calls nobody has heard of. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "tests/lib/abi.h"

TEST(uname_names_an_arm64_machine)
{
	struct utsname u;

	expect_eq(sys(__NR_uname, &u), 0);
	expect_eq(strcmp(u.machine, "aarch64"), 0);
	expect(u.sysname[0] && u.release[0] && u.version[0] && u.nodename[0]);
	/* glibc refuses to start on a kernel older than the one it was built for. */
	expect(u.release[0] >= '3' && u.release[0] <= '9');
	expect_eq(sys(__NR_uname, 8), -EFAULT);
}

TEST(getrandom_fills_and_checks)
{
	unsigned char a[300] = { 0 }, b[300] = { 0 };
	int seen[256] = { 0 }, kinds = 0;

	expect_eq(sys(__NR_getrandom, a, 300, 0), 300);
	expect_eq(sys(__NR_getrandom, b, 300, GRND_NONBLOCK), 300);
	expect(memcmp(a, b, 300) != 0);
	for (int i = 0; i < 300; i++)
		seen[a[i]] = 1;
	for (int i = 0; i < 256; i++)
		kinds += seen[i];
	expect(kinds > 120);
	expect_eq(sys(__NR_getrandom, a, 0, 0), 0);
	expect_eq(sys(__NR_getrandom, a, 1, GRND_RANDOM | GRND_NONBLOCK), 1);
	expect_eq(sys(__NR_getrandom, a, 1, 0x80), -EINVAL);
	expect_eq(sys(__NR_getrandom, 8, 1, 0), -EFAULT);
}

TEST(the_unknown_calls_are_enosys)
{
	static const long unknown[] = { 244, 259, 300, 423, 480, 511, 600, 0x7fffffff, -1 };

	for (int i = 0; i < 9; i++) {
		if (!expect_eq(sys(unknown[i], 0, 0, 0), -ENOSYS))
			tap_print("# call %ld\n", unknown[i]);
	}
}

/* How often /proc/stet/machine says that call was wanted; -1: this is not Stet. */
static long wanted(unsigned number)
{
	char line[100], name[40];
	FILE *f = fopen("/proc/stet/machine", "r");
	long count = 0;

	if (!f)
		return -1;
	snprintf(name, sizeof(name), "  no system call %u ", number);
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, name, strlen(name)))
			count = atol(line + strlen(name));
	}
	fclose(f);
	return count;
}

TEST(the_unknown_calls_are_counted)
{
	long before = wanted(423);

	if (before < 0) {
		tap_skip("this is not Stet");
		return;
	}
	for (int i = 0; i < 5; i++)
		sys(423);
	expect_eq(wanted(423), before + 5);
	expect_eq(wanted(__NR_getpid), 0);
}

TEST(identities_are_stable)
{
	long pid = sys(__NR_getpid);

	expect(pid > 0);
	expect_eq(sys(__NR_getpid), pid);
	expect_eq(sys(__NR_gettid), pid);
	expect(sys(__NR_getppid) >= 0 && sys(__NR_getppid) != pid);
	expect_eq(sys(__NR_getuid), sys(__NR_geteuid));
	expect_eq(sys(__NR_getgid), sys(__NR_getegid));
	expect(sys(__NR_getpgid, 0) >= 0);
	expect_eq(sys(__NR_getpgid, pid), sys(__NR_getpgid, 0));
	expect_eq(sys(__NR_getsid, 0), sys(__NR_getsid, pid));
	expect_eq(sys(__NR_getpgid, 0x3ffffff), -ESRCH);
	expect_eq(sys(__NR_set_tid_address, 0), pid);
}

TEST(prctl_keeps_the_name)
{
	char name[17] = "0123456789012345";

	expect_eq(sys(__NR_prctl, PR_SET_NAME, "short"), 0);
	expect_eq(sys(__NR_prctl, PR_GET_NAME, name), 0);
	expect_eq(strcmp(name, "short"), 0);
	expect_eq(sys(__NR_prctl, PR_SET_NAME, 8), -EFAULT);
	expect_eq(sys(__NR_prctl, 0x7fff0000, 0), -EINVAL);
}

TEST(sysinfo_tells_memory)
{
	struct sysinfo s;
	unsigned long unit;

	expect_eq(sys(__NR_sysinfo, &s), 0);
	unit = s.mem_unit ? s.mem_unit : 1;
	expect(s.totalram * unit >= 64ul << 20);
	expect(s.freeram > 0 && s.freeram <= s.totalram);
	expect(s.procs >= 1);
	expect(s.uptime < 100000);
	expect_eq(sys(__NR_sysinfo, 8), -EFAULT);
}

TEST(affinity_tells_the_cpus)
{
	unsigned long mask[16] = { 0 }, first[16] = { 1 };
	long n = sys(__NR_sched_getaffinity, 0, sizeof(mask), mask);
	unsigned cpu = 99;

	expect(n >= 8 && n <= 128 && n % 8 == 0);
	expect(mask[0] & 1);
	expect_eq(sys(__NR_sched_getaffinity, 0, 1, mask), -EINVAL);
	expect_eq(sys(__NR_sched_getaffinity, 0x3ffffff, sizeof(mask), mask), -ESRCH);
	expect_eq(sys(__NR_sched_setaffinity, 0, sizeof(first), first), 0);
	expect_eq(sys(__NR_getcpu, &cpu, 0, 0), 0);
	expect_eq(cpu, 0);
	expect_eq(sys(__NR_sched_getaffinity, 0, sizeof(first), first), n);
	expect_eq(first[0], 1);
	expect_eq(sys(__NR_sched_setaffinity, 0, sizeof(mask), mask), 0);
	memset(first, 0, sizeof(first));
	expect_eq(sys(__NR_sched_setaffinity, 0, sizeof(first), first), -EINVAL);
	expect_eq(sys(__NR_sched_yield), 0);
}

TEST(limits_are_told_and_checked)
{
	struct rlimit r;

	expect_eq(sys(__NR_prlimit64, 0, RLIMIT_STACK, 0, &r), 0);
	expect(r.rlim_cur >= 1 << 20);
	expect_eq(sys(__NR_prlimit64, 0, 99, 0, &r), -EINVAL);
	expect_eq(sys(__NR_prlimit64, 0, RLIMIT_STACK, 0, 8), -EFAULT);
	r = (struct rlimit){ 5, 4 };
	expect_eq(sys(__NR_prlimit64, 0, RLIMIT_NOFILE, &r, 0), -EINVAL);
}

TEST(getrusage_tells_time_used)
{
	struct rusage u;

	for (volatile int i = 0; i < 3000000; i++)
		;
	expect_eq(sys(__NR_getrusage, RUSAGE_SELF, &u), 0);
	expect(u.ru_utime.tv_sec >= 0 && u.ru_utime.tv_usec >= 0 && u.ru_utime.tv_usec < 1000000);
	expect_eq(sys(__NR_getrusage, 99, &u), -EINVAL);
}

TEST(the_kernel_log_by_syslog)
{
	enum { READ_ALL = 3, CLEAR = 5, SIZE = 10 };
	char text[256];
	long size = sys(__NR_syslog, SIZE, 0, 0);

	expect(size >= 4096);
	expect(sys(__NR_syslog, READ_ALL, text, sizeof(text)) > 0);
	expect_eq(sys(__NR_syslog, READ_ALL, 0, 16), -EINVAL);
	expect_eq(sys(__NR_syslog, READ_ALL, text, -1), -EINVAL);
	expect_eq(sys(__NR_syslog, READ_ALL, 8, 4096), -EFAULT);
	expect_eq(sys(__NR_syslog, 99, 0, 0), -EINVAL);
	expect_eq(sys(__NR_syslog, CLEAR, 0, 0), 0);
	expect_eq(sys(__NR_syslog, READ_ALL, text, sizeof(text)), 0);
}
