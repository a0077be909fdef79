/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A terminal's settings, as far as a program may look at and change them. Skipped where standard
 * input is no terminal, but for what must then be refused. Linux: man 2 ioctl_tty.
 */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include "tests/lib/abi.h"

/* The kernel's own structure: libc's has more control characters. */
struct kernel_termios {
	uint32_t iflag, oflag, cflag, lflag;
	uint8_t line, cc[19];
};

static int tty;

static bool have_tty(void)
{
	struct kernel_termios t;

	if (tty <= 0)
		tty = open("/dev/console", O_RDWR | O_NOCTTY);
	if (tty >= 0 && sys(__NR_ioctl, tty, TCGETS, &t) == 0)
		return true;
	tap_skip("no console terminal");
	return false;
}

TEST(other_files_are_no_terminals)
{
	struct kernel_termios t;
	int null = open("/dev/null", O_RDWR), ends[2];

	expect_eq(sys(__NR_ioctl, null, TCGETS, &t), -ENOTTY);
	expect_eq(sys(__NR_ioctl, null, TIOCGWINSZ, &t), -ENOTTY);
	sys(__NR_pipe2, ends, 0);
	expect_eq(sys(__NR_ioctl, ends[0], TCGETS, &t), -ENOTTY);
	close(null);
	close(ends[0]);
	close(ends[1]);
}

TEST(settings_are_kept)
{
	struct kernel_termios before, raw, now;

	if (!have_tty())
		return;
	expect_eq(sys(__NR_ioctl, tty, TCGETS, &before), 0);
	raw = before;
	raw.iflag &= ~(uint32_t)(ICRNL | IXON);
	raw.lflag &= ~(uint32_t)(ICANON | ECHO | ISIG);
	raw.cc[VMIN] = 1;
	raw.cc[VTIME] = 0;
	expect_eq(sys(__NR_ioctl, tty, TCSETS, &raw), 0);
	expect_eq(sys(__NR_ioctl, tty, TCGETS, &now), 0);
	expect_eq(now.iflag, raw.iflag);
	expect_eq(now.lflag, raw.lflag);
	expect_eq(memcmp(now.cc, raw.cc, sizeof(now.cc)), 0);
	expect_eq(sys(__NR_ioctl, tty, TCSETSW, &before), 0);
	expect_eq(sys(__NR_ioctl, tty, TCGETS, &now), 0);
	expect_eq(now.lflag, before.lflag);
	expect_eq(sys(__NR_ioctl, tty, TCGETS, 8), -EFAULT);
	expect_eq(sys(__NR_ioctl, tty, TCSETS, 8), -EFAULT);
	expect_eq(sys(__NR_ioctl, tty, TCGETS, &now), 0);
	expect_eq(now.lflag, before.lflag);
}

TEST(the_window_size_is_kept)
{
	struct winsize before, size = { 33, 99, 0, 0 }, now;

	if (!have_tty())
		return;
	expect_eq(sys(__NR_ioctl, tty, TIOCGWINSZ, &before), 0);
	expect_eq(sys(__NR_ioctl, tty, TIOCSWINSZ, &size), 0);
	expect_eq(sys(__NR_ioctl, tty, TIOCGWINSZ, &now), 0);
	expect_eq(now.ws_row, 33);
	expect_eq(now.ws_col, 99);
	expect_eq(sys(__NR_ioctl, tty, TIOCSWINSZ, &before), 0);
}

TEST(a_quiet_terminal_has_nothing_to_read)
{
	struct kernel_termios before, raw;
	struct pollfd p = { 0, POLLIN | POLLOUT, 0 };
	struct timespec now = { 0, 0 };
	long flags;
	char c;
	int n = -1;

	if (!have_tty())
		return;
	p.fd = tty;
	sys(__NR_ioctl, tty, TCGETS, &before);
	raw = before;
	raw.lflag &= ~(uint32_t)(ICANON | ECHO);
	sys(__NR_ioctl, tty, TCSETSF, &raw);
	expect_eq(sys(__NR_ppoll, &p, 1, &now, 0, 8), 1);
	expect_eq(p.revents, POLLOUT);
	expect_eq(sys(__NR_ioctl, tty, FIONREAD, &n), 0);
	expect_eq(n, 0);
	flags = sys(__NR_fcntl, tty, F_GETFL);
	sys(__NR_fcntl, tty, F_SETFL, flags | O_NONBLOCK);
	expect_eq(sys(__NR_read, tty, &c, 1), -EAGAIN);
	sys(__NR_fcntl, tty, F_SETFL, flags);
	/* VMIN and VTIME 0: a read gives what is there. */
	raw.cc[VMIN] = raw.cc[VTIME] = 0;
	sys(__NR_ioctl, tty, TCSETS, &raw);
	expect_eq(sys(__NR_read, tty, &c, 1), 0);
	sys(__NR_ioctl, tty, TCSETS, &before);
}

TEST(a_terminal_is_not_sought)
{
	if (have_tty())
		expect_eq(sys(__NR_lseek, tty, 0, SEEK_CUR), -ESPIPE);
}
