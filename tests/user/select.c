/* SPDX-License-Identifier: BSD-2-Clause */
/* pselect6: which descriptors are ready, by sets. Linux: man 2 select. */
#include <string.h>
#include <sys/select.h>
#include <unistd.h>
#include "tests/lib/abi.h"

static struct timespec ms(unsigned n)
{
	return (struct timespec){ n / 1000, (long)(n % 1000) * 1000000 };
}

TEST(pselect_tells_which_are_ready)
{
	int p[2];
	fd_set in, out;
	struct timespec t = ms(20);

	require(!pipe(p));
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(p[0], &in);
	FD_SET(p[1], &out);
	expect_eq(sys(__NR_pselect6, p[1] + 1, &in, &out, NULL, &t, NULL), 1);
	expect(!FD_ISSET(p[0], &in) && FD_ISSET(p[1], &out));
	FD_SET(p[0], &in);
	t = ms(20);
	expect_eq(sys(__NR_pselect6, p[1] + 1, &in, NULL, NULL, &t, NULL), 0);
	expect(!FD_ISSET(p[0], &in));
	FD_SET(p[0], &in);
	expect_eq(write(p[1], "x", 1), 1);
	expect_eq(sys(__NR_pselect6, p[1] + 1, &in, &out, NULL, NULL, NULL), 2);
	close(p[0]);
	close(p[1]);
	FD_SET(p[0], &in);
	expect_eq(sys(__NR_pselect6, p[1] + 1, &in, NULL, NULL, NULL, NULL), -EBADF);
	expect_eq(sys(__NR_pselect6, -1, NULL, NULL, NULL, NULL, NULL), -EINVAL);
}
