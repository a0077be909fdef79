/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program that takes all memory ends by SIGKILL; the others go on, and what it had is free again.
 * Linux: Documentation/admin-guide/mm/concepts.rst, "OOM killer".
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/lib/abi.h"

static long free_mib(void)
{
	struct sysinfo info;

	sysinfo(&info);
	return (long)(info.freeram * info.mem_unit >> 20);
}

/* On Linux the child must be the one that is chosen. */
static void choose_me(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	if (fd >= 0 && write(fd, "1000", 4) < 0)
		tap_print("# oom_score_adj: %d\n", errno);
	close(fd);
}

static void take_all(void)
{
	size_t size = 64ul << 30;
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	choose_me();
	for (size_t i = 0; i < size; i += 4096)
		p[i] = 1;
	_exit(1);
}

TEST(who_takes_all_memory_is_killed_alone)
{
	long before = free_mib();

	for (int i = 0; i < 3; i++) {
		int status = 0;
		pid_t pid = fork();

		if (pid == 0)
			take_all();
		expect_eq(waitpid(pid, &status, 0), pid);
		expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
	for (int i = 0; i < 50 && free_mib() < before - 16; i++)
		sleep_ms(100);
	expect(free_mib() >= before - 16);
}
