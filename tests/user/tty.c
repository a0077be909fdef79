/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The terminal on standard output: its settings, size and readiness. What is typed and echoed is
 * tested on the host (kernel/linux/tty/ldisc_test.c). Linux: man 3 termios, man 4 tty_ioctl.
 */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>
#include "tests/lib/abi.h"

#define TTY 1

static struct termios saved;

TEST(the_output_is_a_terminal)
{
	struct stat st;

	require(!tcgetattr(TTY, &saved));
	expect_eq(fstat(TTY, &st), 0);
	expect(S_ISCHR(st.st_mode));
	expect(major(st.st_rdev) != 0);
	expect_eq(lseek(TTY, 0, SEEK_CUR), -1);
}

TEST(settings_are_kept)
{
	struct termios t = saved, got;

	t.c_lflag &= ~(tcflag_t)(ECHO | ICANON);
	t.c_cc[VMIN] = 0;
	t.c_cc[VTIME] = 2;
	t.c_cc[VINTR] = 7;
	expect_eq(tcsetattr(TTY, TCSANOW, &t), 0);
	expect_eq(tcgetattr(TTY, &got), 0);
	expect_eq(got.c_lflag, t.c_lflag);
	expect_eq(got.c_cc[VMIN], 0);
	expect_eq(got.c_cc[VTIME], 2);
	expect_eq(got.c_cc[VINTR], 7);
	expect_eq(tcsetattr(TTY, TCSADRAIN, &saved), 0);
	expect_eq(tcsetattr(TTY, TCSAFLUSH, &saved), 0);
}

TEST(a_size_can_be_set)
{
	struct winsize before, size = { 31, 97, 0, 0 }, got = { 0 };

	expect_eq(ioctl(TTY, TIOCGWINSZ, &before), 0);
	expect_eq(ioctl(TTY, TIOCSWINSZ, &size), 0);
	expect_eq(ioctl(TTY, TIOCGWINSZ, &got), 0);
	expect(got.ws_row == 31 && got.ws_col == 97);
	expect_eq(ioctl(TTY, TIOCSWINSZ, &before), 0);
}

TEST(nothing_typed_is_nothing_to_read)
{
	struct pollfd p = { TTY, POLLIN | POLLOUT, 0 };
	int n = -1;

	tcflush(TTY, TCIFLUSH);
	expect_eq(ioctl(TTY, FIONREAD, &n), 0);
	expect_eq(n, 0);
	expect_eq(poll(&p, 1, 0), 1);
	expect_eq(p.revents, POLLOUT);
}

/* Standard input may be another file: read what is open as the output. */
TEST(a_read_that_must_not_wait)
{
	long flags = sys(__NR_fcntl, TTY, F_GETFL);
	char c;

	if ((flags & O_ACCMODE) != O_RDWR) {
		tap_skip("the output is not open for reading");
		return;
	}
	expect_eq(sys(__NR_fcntl, TTY, F_SETFL, flags | O_NONBLOCK), 0);
	expect_eq(sys(__NR_read, TTY, &c, 1), -EAGAIN);
	expect_eq(sys(__NR_fcntl, TTY, F_SETFL, flags), 0);
}

TEST(a_read_that_waits_for_a_time)
{
	struct termios t = saved;
	uint64_t before = now_ns(1), took;
	char c;

	if ((sys(__NR_fcntl, TTY, F_GETFL) & O_ACCMODE) != O_RDWR) {
		tap_skip("the output is not open for reading");
		return;
	}
	t.c_lflag &= ~(tcflag_t)(ECHO | ICANON);
	t.c_cc[VMIN] = 0;
	t.c_cc[VTIME] = 1;
	tcsetattr(TTY, TCSANOW, &t);
	expect_eq(sys(__NR_read, TTY, &c, 1), 0);
	took = now_ns(1) - before;
	expect(took >= 90000000);
	t.c_cc[VTIME] = 0;
	tcsetattr(TTY, TCSANOW, &t);
	expect_eq(sys(__NR_read, TTY, &c, 1), 0);
	tcsetattr(TTY, TCSANOW, &saved);
}

TEST(bad_arguments)
{
	expect_eq(sys(__NR_ioctl, TTY, TCGETS, 8), -EFAULT);
	expect_eq(sys(__NR_ioctl, TTY, TCSETS, 8), -EFAULT);
	expect_eq(sys(__NR_ioctl, TTY, TIOCGWINSZ, 8), -EFAULT);
	expect_eq(sys(__NR_ioctl, TTY, 0x54ee, 0), -ENOTTY);
	expect_eq(sys(__NR_pread64, TTY, &saved, 1, 0), -ESPIPE);
}
