/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The helpers of tests/lib/abi.h. Faulting accesses are caught by a SIGSEGV, SIGBUS, SIGILL and
 * SIGTRAP handler that jumps back: one at a time in the process, as the jump buffer is static.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "tests/lib/abi.h"

static sigjmp_buf fault_jump;
static struct fault fault_seen;

static void fault_handler(int signo, siginfo_t *info, void *context)
{
	(void)context;
	fault_seen = (struct fault){ signo, info->si_code, (uintptr_t)info->si_addr };
	siglongjmp(fault_jump, 1);
}

struct fault fault_call(void (*fn)(void *), void *arg)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGTRAP };
	enum { COUNT = sizeof(signals) / sizeof(signals[0]) };
	struct sigaction catch = { .sa_sigaction = fault_handler, .sa_flags = SA_SIGINFO };
	struct sigaction before[COUNT];

	for (int i = 0; i < COUNT; i++)
		sigaction(signals[i], &catch, &before[i]);
	fault_seen = (struct fault){ 0 };
	if (sigsetjmp(fault_jump, 1) == 0)
		fn(arg);
	for (int i = 0; i < COUNT; i++)
		sigaction(signals[i], &before[i], NULL);
	return fault_seen;
}

static void read_byte(void *p)
{
	(void)*(volatile char *)p;
}

static void write_byte(void *p)
{
	*(volatile char *)p = 1;
}

struct fault fault_read(const volatile void *p)
{
	return fault_call(read_byte, (void *)(uintptr_t)p);
}

struct fault fault_write(volatile void *p)
{
	return fault_call(write_byte, (void *)(uintptr_t)p);
}

static bool fault_is(struct fault f, int code, uintptr_t address)
{
	bool same = f.signo == SIGSEGV && f.code == code && f.address == address;

	if (!same)
		tap_print("# fault: signal %d code %d at %#lx, want code %d at %#lx\n", f.signo,
			  f.code, (long)f.address, code, (long)address);
	return same;
}

bool read_faults(const volatile void *p, int code)
{
	return fault_is(fault_read(p), code, (uintptr_t)p);
}

bool write_faults(volatile void *p, int code)
{
	return fault_is(fault_write(p), code, (uintptr_t)p);
}

bool on_stet(void)
{
	return access("/proc/stet", F_OK) == 0;
}

unsigned rounds_wanted(unsigned usual)
{
	if (tap_argc > 1)
		return (unsigned)strtoul(tap_argv[1], NULL, 0);
	return on_stet() ? usual : (usual + 3) / 4;
}

const char *scratch(const char *name)
{
	static char path[128];

	mkdir("/tmp", 0777);
	snprintf(path, sizeof(path), "/tmp/%s", name);
	return path;
}

uint64_t now_ns(int clock)
{
	struct timespec t = { 0 };

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void sleep_ms(unsigned ms)
{
	struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

uint64_t random_next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}
