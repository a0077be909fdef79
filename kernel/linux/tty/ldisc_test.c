/* SPDX-License-Identifier: BSD-2-Clause */
/* ldisc.c: what is typed, what is echoed, what is read. By man 3 termios and Linux. */
#include "linux/tty/ldisc.h"

#include <signal.h>
#include <string.h>

#include "tap.h"

static struct ldisc l;
static char out[65536];
static size_t out_size;

static void emit(struct ldisc *unused, const char *text, size_t size)
{
	(void)unused;
	memcpy(out + out_size, text, size);
	out_size += size;
	out[out_size] = 0;
}

static void start(void)
{
	ldisc_init(&l, emit);
	out_size = 0;
	out[0] = 0;
}

static void raw(void)
{
	struct termios t = l.t;

	t.c_iflag &= ~(uint32_t)(ICRNL | IXON);
	t.c_lflag &= ~(uint32_t)(ICANON | ECHO | ISIG | IEXTEN);
	t.c_oflag &= ~(uint32_t)OPOST;
	ldisc_set_termios(&l, &t);
}

/* The last signal the bytes gave. */
static int type(const char *text)
{
	int sig = 0;

	for (; *text; text++) {
		int s = ldisc_input(&l, (uint8_t)*text);

		sig = s ? s : sig;
	}
	return sig;
}

static bool readable(void)
{
	bool yes;

	ldisc_available(&l, &yes);
	return yes;
}

static unsigned available(void)
{
	bool yes;

	return ldisc_available(&l, &yes);
}

/* What one read() of at most size bytes gives. */
static const char *take(size_t size)
{
	static uint8_t got[LDISC_ROOM + 1];
	bool done;

	got[ldisc_read(&l, got, size, &done)] = 0;
	return (const char *)got;
}

#define expect_text(got, want)                                                                     \
	do {                                                                                       \
		const char *g_ = (got);                                                            \
		if (strcmp(g_, want)) {                                                            \
			tap_failed = 1;                                                            \
			tap_print("# %s:%d: \"%s\" is not \"%s\"\n", __FILE__, __LINE__, g_,       \
				  want);                                                           \
		}                                                                                  \
	} while (0)

TEST(a_line_is_read_when_it_has_ended)
{
	start();
	type("abc");
	expect(!readable());
	expect_eq(available(), 0);
	type("\r");
	expect(readable());
	expect_eq(available(), 4);
	expect_text(out, "abc\r\n");
	expect_text(take(100), "abc\n");
	expect(!readable());
}

TEST(lines_are_read_one_at_a_time_and_in_pieces)
{
	start();
	type("abc\ndef\n");
	expect_eq(available(), 4);
	expect_text(take(2), "ab");
	expect_text(take(100), "c\n");
	expect_text(take(100), "def\n");
}

TEST(erase_takes_the_last_character_back)
{
	start();
	type("abx\x7f\nx\x7f\x7f\x7fy\n");
	expect_text(take(100), "ab\n");
	expect_text(take(100), "y\n");
	expect_text(out, "abx\b \b\r\nx\b \by\r\n");
}

TEST(erase_knows_carets_and_tabs_and_utf8)
{
	start();
	type("\x01\x7f");
	expect_text(out, "^A\b \b\b \b");
	start();
	type("ab\t\x7f");
	expect_text(out, "ab\t\b\b\b\b\b\b");
	start();
	type("\xc3\xa4\x7f\n");
	expect_text(out, "\xc3\xa4\b \b\r\n");
	expect_text(take(100), "\n");
}

TEST(word_erase_and_kill)
{
	start();
	type("one two  \x17\n");
	expect_text(take(100), "one \n");
	start();
	type("one\x15two\n");
	expect_text(take(100), "two\n");
	expect_text(out, "one\b \b\b \b\b \btwo\r\n");
}

TEST(literal_next)
{
	start();
	type("a\x16\x03\x16\x7f\n");
	expect_text(take(100), "a\x03\x7f\n");
}

TEST(end_of_file_delivers_what_is_there)
{
	start();
	type("ab\x04");
	expect(readable());
	expect_eq(available(), 2);
	expect_text(take(100), "ab");
	expect(!readable());
	type("\x04");
	expect(readable());
	expect_eq(available(), 0);
	expect_text(take(100), "");
	expect(!readable());
}

TEST(end_of_file_behind_a_full_read_is_taken_with_it)
{
	start();
	type("abc\x04");
	expect_text(take(3), "abc");
	expect(!readable());
}

TEST(signals_flush_and_echo)
{
	start();
	expect_eq(type("abc\x03"), SIGINT);
	expect_text(out, "abc^C");
	expect_eq(type("\x1c"), SIGQUIT);
	expect_eq(type("\x1a"), SIGTSTP);
	type("x\n");
	expect_text(take(100), "x\n");
}

TEST(raw_bytes_come_at_once_and_unchanged)
{
	start();
	raw();
	expect_eq(type("a\r\x03\x7f\x04"), 0);
	expect_eq(available(), 5);
	expect_text(take(2), "a\r");
	expect_text(take(100), "\x03\x7f\x04");
	expect_text(out, "");
}

TEST(raw_output_is_unchanged)
{
	start();
	ldisc_write(&l, (const uint8_t *)"a\nb\n", 4);
	expect_text(out, "a\r\nb\r\n");
	raw();
	ldisc_write(&l, (const uint8_t *)"a\nb\n", 4);
	expect_text(out, "a\r\nb\r\na\nb\n");
}

TEST(changing_the_mode_keeps_what_was_typed)
{
	struct termios cooked;

	start();
	cooked = l.t;
	type("half");
	raw();
	expect_text(take(100), "half");
	type("more");
	ldisc_set_termios(&l, &cooked);
	expect(readable());
	expect_text(take(100), "more");
	type("line\n");
	expect_text(take(100), "line\n");
}

TEST(a_full_line_can_still_be_ended)
{
	start();
	for (unsigned i = 0; i < 2 * LDISC_ROOM; i++)
		ldisc_input(&l, 'x');
	expect(!readable());
	type("\n");
	expect_eq(available(), LDISC_ROOM);
	expect_eq(strlen(take(LDISC_ROOM)), LDISC_ROOM);
	type("y\n");
	expect_text(take(100), "y\n");
}

TEST(lines_beyond_the_room_are_lost)
{
	unsigned lines = 0;

	start();
	for (unsigned i = 0; i < 2 * LDISC_ROOM; i++)
		type("\n");
	while (readable()) {
		expect_text(take(100), "\n");
		lines++;
	}
	expect_eq(lines, LDISC_ROOM);
}

TEST(flow_control_stops_and_starts)
{
	start();
	type("\x13");
	expect(l.stopped);
	type("\x11");
	expect(!l.stopped);
	expect(!readable());
	expect_text(out, "");
}

TEST(no_echo_and_newline_echo)
{
	struct termios t;

	start();
	t = l.t;
	t.c_lflag &= ~(uint32_t)ECHO;
	ldisc_set_termios(&l, &t);
	type("secret\n");
	expect_text(out, "");
	t.c_lflag |= ECHONL;
	ldisc_set_termios(&l, &t);
	type("secret\n");
	expect_text(out, "\r\n");
	expect_text(take(100), "secret\n");
}

/* The sanitizer watches the ring; what is read never exceeds what came. */
TEST(any_bytes_in_any_mode)
{
	uint64_t seed = 88172645463325252ull;
	unsigned long in = 0, read = 0;

	start();
	for (unsigned i = 0; i < 200000; i++) {
		seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
		if (seed % 1000 == 0) {
			struct termios t = l.t;

			t.c_lflag = (uint32_t)(seed >> 20);
			t.c_iflag = (uint32_t)(seed >> 32);
			t.c_oflag = (uint32_t)(seed >> 40);
			t.c_cc[seed >> 50 & 15] = (uint8_t)(seed >> 8);
			ldisc_set_termios(&l, &t);
		} else if (seed % 7 == 0) {
			uint8_t got[100];
			bool done;

			read += ldisc_read(&l, got, seed % 100, &done);
		}
		ldisc_input(&l, (uint8_t)(seed >> 24));
		in++;
		out_size = 0;
		expect(l.head - l.tail <= LDISC_ROOM);
		expect(l.lines - l.tail <= l.head - l.tail);
	}
	expect(read <= in);
}
