/* SPDX-License-Identifier: BSD-2-Clause */
/* See cpus.h. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>
#include "tests/lib/abi.h"
#include "tests/lib/cpus.h"

int cpus_allowed(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	expect_eq(sched_getaffinity(0, sizeof(set), &set), 0);
	return CPU_COUNT(&set);
}

void cpus_pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((unsigned)cpu, &set);
	expect_eq(sched_setaffinity(0, sizeof(set), &set), 0);
}

void cpus_unpin(int count)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (int i = 0; i < count; i++)
		CPU_SET((unsigned)i, &set);
	expect_eq(sched_setaffinity(0, sizeof(set), &set), 0);
}

int cpu_switch(int cpu, bool on)
{
	char path[64];
	int fd, err = 0;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online", cpu);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, on ? "1" : "0", 1) != 1)
		err = -errno;
	close(fd);
	return err;
}
