/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The line discipline, man 3 termios: input modes, echo, editing of a line (erase, word erase,
 * kill, reprint, literal next), ends of line and of file, signals, and output processing.
 * Pure: linux/tty/tty.c owns the line, the lock and the waiting.
 *
 * Input lies in a ring. In canonical mode a read sees only [tail, lines): what has been ended by a
 * line's end; the bytes in [lines, head) can still be edited.
 */
#include "linux/tty/ldisc.h"

#include <asm/signal.h>

#include "lib/bitmap.h"
#include "lib/string.h"

#define TAB_STOP      8
#define DISABLED_CHAR 0 /* _POSIX_VDISABLE: this control character is off */

#define CONTROL(c) ((c)&0x1f)

/* What a terminal is when nobody has set it, as Linux's. */
static const struct termios standard = {
	.c_iflag = ICRNL | IXON,
	.c_oflag = OPOST | ONLCR,
	.c_cflag = B115200 | CS8 | CREAD | HUPCL | CLOCAL,
	.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
	.c_cc = {
		[VINTR] = CONTROL('C'),	   [VQUIT] = CONTROL('\\'), [VERASE] = 0x7f,
		[VKILL] = CONTROL('U'),	   [VEOF] = CONTROL('D'),   [VMIN] = 1,
		[VSTART] = CONTROL('Q'),   [VSTOP] = CONTROL('S'),  [VSUSP] = CONTROL('Z'),
		[VREPRINT] = CONTROL('R'), [VDISCARD] = CONTROL('O'), [VWERASE] = CONTROL('W'),
		[VLNEXT] = CONTROL('V'),
	},
};

void ldisc_init(struct ldisc *l, void (*emit)(struct ldisc *l, const char *text, size_t size))
{
	memset(l, 0, sizeof(*l));
	l->t = standard;
	l->emit = emit;
}

static bool local(const struct ldisc *l, uint32_t flag)
{
	return l->t.c_lflag & flag;
}

static bool is_char(const struct ldisc *l, unsigned which, uint8_t c)
{
	return l->t.c_cc[which] != DISABLED_CHAR && l->t.c_cc[which] == c;
}

/* ---- output ---- */

static bool is_control(uint8_t c)
{
	return c < ' ' || c == 0x7f;
}

/* How many columns a byte of UTF-8 or ASCII moves the cursor on. */
static uint32_t width(uint8_t c, uint32_t column)
{
	if (c == '\t')
		return TAB_STOP - column % TAB_STOP;
	return is_control(c) || (c & 0xc0) == 0x80 ? 0 : 1;
}

static void emit_char(struct ldisc *l, uint8_t c)
{
	if (c == '\r')
		l->column = 0;
	else if (c == '\b')
		l->column -= l->column > 0;
	else
		l->column += width(c, l->column);
	l->emit(l, (const char *)&c, 1);
}

static void output_char(struct ldisc *l, uint8_t c)
{
	uint32_t flags = l->t.c_oflag;

	if (flags & OPOST) {
		if (c == '\n' && (flags & ONLCR))
			emit_char(l, '\r');
		else if (c == '\n' && (flags & ONLRET))
			l->column = 0;
		else if (c == '\r' && (flags & OCRNL))
			c = '\n';
		else if (c == '\r' && (flags & ONOCR) && !l->column)
			return;
	}
	emit_char(l, c);
}

/* Bytes that go out as they are, from text on. */
static size_t plain_run(const uint8_t *text, size_t size)
{
	size_t n = 0;

	while (n < size && text[n] >= ' ' && text[n] < 0x7f)
		n++;
	return n;
}

void ldisc_write(struct ldisc *l, const uint8_t *text, size_t size)
{
	if (!(l->t.c_oflag & OPOST)) {
		l->emit(l, (const char *)text, size);
		return;
	}
	while (size) {
		size_t run = plain_run(text, size);

		if (run) {
			l->emit(l, (const char *)text, run);
			l->column += (uint32_t)run;
		} else {
			output_char(l, *text);
			run = 1;
		}
		text += run;
		size -= run;
	}
}

/* ---- echo ---- */

static bool shown_as_caret(const struct ldisc *l, uint8_t c)
{
	return local(l, ECHOCTL) && is_control(c) && c != '\t' && c != '\n';
}

static void echo(struct ldisc *l, uint8_t c)
{
	if (shown_as_caret(l, c)) {
		emit_char(l, '^');
		emit_char(l, c ^ 0x40);
	} else {
		output_char(l, c);
	}
}

static void echo_if(struct ldisc *l, uint8_t c)
{
	if (local(l, ECHO))
		echo(l, c);
}

static void echo_newline(struct ldisc *l)
{
	if (local(l, ECHO | ECHONL))
		output_char(l, '\n');
}

/* ---- the ring ---- */

static uint32_t slot(uint32_t index)
{
	return index % LDISC_ROOM;
}

static bool full(const struct ldisc *l)
{
	return l->head - l->tail >= LDISC_ROOM - 1;
}

static void store(struct ldisc *l, uint8_t c)
{
	bitmap_clear(l->ends, slot(l->head));
	bitmap_clear(l->eofs, slot(l->head));
	l->buffer[slot(l->head++)] = c;
}

/* A byte that ends a line; there is room for one more than full() says, and no further. */
static void store_end(struct ldisc *l, uint8_t c, bool eof)
{
	if (l->head - l->tail >= LDISC_ROOM)
		return;
	store(l, c);
	bitmap_set(l->ends, slot(l->head - 1));
	if (eof)
		bitmap_set(l->eofs, slot(l->head - 1));
	l->lines = l->head;
}

void ldisc_flush_input(struct ldisc *l)
{
	l->tail = l->lines = l->head;
	l->literal = false;
}

/* ---- editing ---- */

static bool is_continuation(uint8_t c)
{
	return (c & 0xc0) == 0x80;
}

/* Columns of the byte at index as it was echoed, when it stood at that column. */
static uint32_t echo_width(const struct ldisc *l, uint8_t c, uint32_t column)
{
	return shown_as_caret(l, c) ? 2 : width(c, column);
}

/* The column behind everything of the line being edited. */
static uint32_t line_end_column(const struct ldisc *l)
{
	uint32_t column = l->line_column;

	for (uint32_t i = l->lines; i != l->head; i++)
		column += echo_width(l, l->buffer[slot(i)], column);
	return column;
}

static void rub_out(struct ldisc *l, uint32_t columns, bool tab)
{
	for (; columns; columns--) {
		emit_char(l, '\b');
		if (!tab) {
			emit_char(l, ' ');
			emit_char(l, '\b');
		}
	}
}

/* Take the last character of the line back, from the screen too. */
static void erase_char(struct ldisc *l)
{
	uint32_t before = line_end_column(l);
	uint8_t c;

	do
		c = l->buffer[slot(--l->head)];
	while (is_continuation(c) && l->head != l->lines);
	if (!local(l, ECHO))
		return;
	if (local(l, ECHOE))
		rub_out(l, before - line_end_column(l), c == '\t');
	else
		echo(l, l->t.c_cc[VERASE]);
}

static bool is_word(uint8_t c)
{
	return c == '_' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
	       c >= 0x80;
}

static void erase_word(struct ldisc *l)
{
	bool seen = false;

	while (l->head != l->lines) {
		bool word = is_word(l->buffer[slot(l->head - 1)]);

		if (seen && !word)
			return;
		seen |= word;
		erase_char(l);
	}
}

static void kill_line(struct ldisc *l)
{
	if (local(l, ECHO) && !(local(l, ECHOK) && local(l, ECHOKE) && local(l, ECHOE))) {
		l->head = l->lines;
		echo(l, l->t.c_cc[VKILL]);
		if (local(l, ECHOK))
			output_char(l, '\n');
		return;
	}
	while (l->head != l->lines)
		erase_char(l);
}

static void reprint(struct ldisc *l)
{
	echo(l, l->t.c_cc[VREPRINT]);
	output_char(l, '\n');
	l->line_column = l->column;
	for (uint32_t i = l->lines; i != l->head; i++)
		echo(l, l->buffer[slot(i)]);
}

/* ---- input ---- */

static void input_plain(struct ldisc *l, uint8_t c)
{
	if (full(l)) {
		if (l->t.c_iflag & IMAXBEL)
			l->emit(l, "\a", 1);
		return;
	}
	if (l->head == l->lines)
		l->line_column = l->column;
	store(l, c);
	echo_if(l, c);
}

/* A character that edits the line; false: it is none. */
static bool input_edits(struct ldisc *l, uint8_t c)
{
	bool extended = local(l, IEXTEN);

	if (is_char(l, VERASE, c)) {
		if (l->head != l->lines)
			erase_char(l);
	} else if (is_char(l, VKILL, c)) {
		kill_line(l);
	} else if (extended && is_char(l, VWERASE, c)) {
		erase_word(l);
	} else if (extended && is_char(l, VLNEXT, c)) {
		l->literal = true;
		if (local(l, ECHO) && local(l, ECHOCTL))
			l->emit(l, "^\b", 2);
	} else if (extended && local(l, ECHO) && is_char(l, VREPRINT, c)) {
		reprint(l);
	} else {
		return false;
	}
	return true;
}

/* A character that ends the line; false: it does not. */
static bool input_ends(struct ldisc *l, uint8_t c)
{
	if (c == '\n') {
		echo_newline(l);
		store_end(l, c, false);
	} else if (is_char(l, VEOF, c)) {
		store_end(l, c, true);
	} else if (is_char(l, VEOL, c) || (local(l, IEXTEN) && is_char(l, VEOL2, c))) {
		echo_if(l, c);
		store_end(l, c, false);
	} else {
		return false;
	}
	return true;
}

static int signal_of(const struct ldisc *l, uint8_t c)
{
	if (!local(l, ISIG))
		return 0;
	if (is_char(l, VINTR, c))
		return SIGINT;
	if (is_char(l, VQUIT, c))
		return SIGQUIT;
	return is_char(l, VSUSP, c) ? SIGTSTP : 0;
}

/* Flow control; false: the character is not of it. */
static bool input_flow(struct ldisc *l, uint8_t c)
{
	if (!(l->t.c_iflag & IXON))
		return false;
	if (is_char(l, VSTART, c))
		l->stopped = false;
	else if (is_char(l, VSTOP, c))
		l->stopped = true;
	else
		return false;
	return true;
}

/* Input modes that change or drop a byte; false: dropped. */
static bool input_map(const struct ldisc *l, uint8_t *c)
{
	if (l->t.c_iflag & ISTRIP)
		*c &= 0x7f;
	if (*c == '\r') {
		if (l->t.c_iflag & IGNCR)
			return false;
		if (l->t.c_iflag & ICRNL)
			*c = '\n';
	} else if (*c == '\n' && (l->t.c_iflag & INLCR)) {
		*c = '\r';
	}
	return true;
}

int ldisc_input(struct ldisc *l, uint8_t c)
{
	int sig;

	if (l->literal) {
		l->literal = false;
		input_plain(l, c);
		return 0;
	}
	if (l->t.c_iflag & ISTRIP)
		c &= 0x7f;
	if (input_flow(l, c))
		return 0;
	sig = signal_of(l, c);
	if (sig) {
		if (!local(l, NOFLSH))
			ldisc_flush_input(l);
		l->stopped = false;
		echo_if(l, c);
		return sig;
	}
	if (!input_map(l, &c))
		return 0;
	if (!local(l, ICANON) || (!input_edits(l, c) && !input_ends(l, c)))
		input_plain(l, c);
	return 0;
}

/* ---- reading ---- */

uint32_t ldisc_available(const struct ldisc *l, bool *readable)
{
	uint32_t n = 0;

	if (!local(l, ICANON)) {
		*readable = l->head != l->tail;
		return l->head - l->tail;
	}
	*readable = l->lines != l->tail;
	for (uint32_t i = l->tail; i != l->lines; i++) {
		n += !bitmap_test(l->eofs, slot(i));
		if (bitmap_test(l->ends, slot(i)))
			break;
	}
	return n;
}

size_t ldisc_read(struct ldisc *l, uint8_t *to, size_t size, bool *line_done)
{
	bool canonical = local(l, ICANON);
	uint32_t end = canonical ? l->lines : l->head;
	size_t n = 0;

	*line_done = false;
	while (l->tail != end && !*line_done) {
		uint32_t at = slot(l->tail);
		bool eof = bitmap_test(l->eofs, at);

		/* an end of file right behind what fits belongs to this read (n_tty does so too) */
		if (n == size && !(canonical && eof))
			break;
		l->tail++;
		if (!canonical || !eof)
			to[n++] = l->buffer[at];
		*line_done = canonical && bitmap_test(l->ends, at);
	}
	if (!canonical)
		l->lines = l->tail;
	return n;
}

void ldisc_set_termios(struct ldisc *l, const struct termios *t)
{
	bool was = local(l, ICANON);

	l->t = *t;
	if (!(t->c_iflag & IXON))
		l->stopped = false;
	if (local(l, ICANON) && !was && l->head != l->tail) {
		/* what came raw can be read as one line that has ended */
		bitmap_set(l->ends, slot(l->head - 1));
		l->lines = l->head;
	}
	l->literal = false;
}
