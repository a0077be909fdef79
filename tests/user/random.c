/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * getrandom() before and after the kernel has bytes that nobody can foresee (man 2 getrandom): on a machine
 * without a seed, which tests/system/entropy.t makes, it waits, or says that it would.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/time.h>
#include <unistd.h>
#include "tests/lib/abi.h"

static void nothing(int sig)
{
	(void)sig;
}

TEST(getrandom_waits_for_a_seed)
{
	struct sigaction action = { .sa_handler = nothing };
	struct itimerval soon = { { 0, 0 }, { 0, 100000 } };
	long seeded = sys(__NR_getrandom, &(char[8]){ 0 }, 8, GRND_NONBLOCK);
	int fd = open("/dev/random", O_RDONLY | O_NONBLOCK);
	char bytes[32];

	expect(seeded == 8 || seeded == -EAGAIN);
	expect_eq(sys(__NR_getrandom, bytes, 32, GRND_INSECURE), 32);
	expect_eq(sys(__NR_read, fd, bytes, 32), seeded == 8 ? 32 : -EAGAIN);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	expect_eq(sys(__NR_getrandom, bytes, 32, 0), seeded == 8 ? 32 : -EINTR);
	close(fd);
	tap_print("# %s\n", seeded == 8 ? "seeded" : "no seed");
}
