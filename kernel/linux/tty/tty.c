/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console as a terminal (man 4 tty_ioctl): the line discipline of ldisc.c between the uart
 * and programs. One terminal; /dev/console, /dev/tty and /dev/ttyAMA0 are all it.
 *
 * Characters come in by tty_input() from the uart's interrupt. console->lock covers the discipline
 * and everything else here and is taken with interrupts masked; waking and signals happen outside
 * it.
 */
#include "linux/tty/tty.h"

#include <asm/termios.h>
#include <asm/poll.h>
#include <asm/signal.h>
#include <linux/major.h>

#include "arch/spinlock.h"
#include "arch/usercopy.h"
#include "drivers/uart.h"
#include "lib/bits.h"
#include "lib/check.h"
#include "linux/fs/inode.h"
#include "linux/tty/ldisc.h"
#include "linux/linux.h"
#include "linux/signal/signal.h"
#include "linux/process/task.h"
#include "mm/slab.h"

#define PIECE	   128	     /* bytes moved between program and terminal under one lock */
#define VTIME_UNIT 100000000 /* ns: VTIME counts tenths of a second */

struct tty {
	struct spinlock lock;
	struct ldisc ldisc;
	char out[PIECE]; /* on its way to the uart */
	unsigned out_used;
	struct winsize size;
	int session, foreground; /* 0: nobody's */
	struct wait_queue queue; /* readers, and writers that were stopped */
};

static struct tty *console;

/* ---- towards the line ---- */

/* HOLDS(console->lock) */
static void flush(void)
{
	uart_write(console->out, console->out_used);
	console->out_used = 0;
}

static void emit(struct ldisc *l, const char *text, size_t size)
{
	(void)l;
	for (size_t i = 0; i < size; i++) {
		if (console->out_used == sizeof(console->out))
			flush();
		console->out[console->out_used++] = text[i];
	}
}

static bool output_goes(void)
{
	return !__atomic_load_n(&console->ldisc.stopped, __ATOMIC_RELAXED);
}

static int wait_output(const struct file *f)
{
	if (output_goes())
		return 0;
	if (file_nonblocking(f))
		return -EAGAIN;
	return wait_event_interruptible(&console->queue, output_goes()) ? -ERESTARTSYS : 0;
}

static ssize_t tty_write(struct file *f, struct iter *from, loff_t *pos)
{
	size_t start = iter_left(from);
	int err = 0;

	(void)pos;
	while (!err && iter_left(from)) {
		uint8_t piece[PIECE];
		size_t n = min(iter_left(from), sizeof(piece));
		uint64_t daif;

		err = wait_output(f);
		if (!err)
			err = iter_get(from, piece, n);
		if (err)
			break;
		daif = spin_lock_irqsave(&console->lock);
		ldisc_write(&console->ldisc, piece, n);
		flush();
		spin_unlock_irqrestore(&console->lock, daif);
		thread_checkpoint();
	}
	return iter_moved(from, start, err);
}

/* ---- from the line ---- */

void tty_input(char c)
{
	uint64_t daif = spin_lock_irqsave(&console->lock);
	int sig = ldisc_input(&console->ldisc, (uint8_t)c);
	int group = console->foreground;

	flush();
	spin_unlock_irqrestore(&console->lock, daif);
	if (sig && group)
		signal_send_group(group, sig);
	wake_up(&console->queue, 0);
}

/* How a read ends without a line's end (man 3 termios, MIN and TIME). */
struct read_rule {
	bool canonical;
	uint32_t least;	   /* bytes */
	uint64_t patience; /* ns; 0: none */
};

static struct read_rule read_rule(void)
{
	const struct termios *t = &console->ldisc.t;

	if (t->c_lflag & ICANON)
		return (struct read_rule){ .canonical = true, .least = 1 };
	return (struct read_rule){
		.least = t->c_cc[VMIN],
		.patience = t->c_cc[VTIME] * (uint64_t)VTIME_UNIT,
	};
}

static bool readable(void)
{
	uint64_t daif = spin_lock_irqsave(&console->lock);
	bool yes;

	ldisc_available(&console->ldisc, &yes);
	spin_unlock_irqrestore(&console->lock, daif);
	return yes;
}

/* Wait for more, having got something or not. 0: look again; 1: the read is over; -errno. */
static int wait_input(const struct file *f, const struct read_rule *rule, size_t got,
		      uint64_t begun)
{
	uint64_t deadline = TIMER_NEVER;
	int err;

	if (got && got >= rule->least)
		return 1;
	if (!rule->least && !rule->patience)
		return 1;
	if (file_nonblocking(f))
		return -EAGAIN;
	if (rule->patience && !rule->least)
		deadline = begun + rule->patience;
	else if (rule->patience && got)
		deadline = timer_now() + rule->patience;
	err = wait_event_timeout(&console->queue, readable(), deadline);
	if (err == -ETIMEDOUT)
		return 1;
	return err ? -ERESTARTSYS : 0;
}

static size_t take(uint8_t *piece, size_t size, bool *line_done)
{
	uint64_t daif = spin_lock_irqsave(&console->lock);
	size_t n = ldisc_read(&console->ldisc, piece, size, line_done);

	spin_unlock_irqrestore(&console->lock, daif);
	return n;
}

/* A program in the background may not read: its group is stopped. */
static int check_foreground(int sig)
{
	const struct process *p = task_current()->process;

	if (!console->session || p->sid != console->session || p->pgid == console->foreground)
		return 0;
	signal_send_group(p->pgid, sig);
	thread_set_work(thread_current(), WORK_SIGNAL); /* another thread may take it */
	return -ERESTARTSYS;
}

static ssize_t tty_read(struct file *f, struct iter *to, loff_t *pos)
{
	struct read_rule rule = read_rule();
	uint64_t begun = timer_now();
	size_t start = iter_left(to);
	int err = check_foreground(SIGTTIN);

	(void)pos;
	while (!err && iter_left(to)) {
		uint8_t piece[PIECE];
		bool line_done;
		size_t n = take(piece, min(iter_left(to), sizeof(piece)), &line_done);

		if (n)
			err = iter_put(to, piece, n);
		else if (!line_done)
			err = wait_input(f, &rule, start - iter_left(to), begun);
		if (line_done)
			break;
	}
	return iter_moved(to, start, err > 0 ? 0 : err);
}

static uint32_t tty_poll(struct file *f, struct poll_table *table)
{
	struct read_rule rule = read_rule();
	uint32_t least = rule.patience || !rule.least ? 1 : rule.least, n;
	uint64_t daif;
	bool yes;

	(void)f;
	poll_wait(table, &console->queue);
	daif = spin_lock_irqsave(&console->lock);
	n = ldisc_available(&console->ldisc, &yes);
	spin_unlock_irqrestore(&console->lock, daif);
	if (!rule.canonical)
		yes = n >= least;
	return (yes ? POLLIN | POLLRDNORM : 0) | (output_goes() ? POLLOUT | POLLWRNORM : 0);
}

/* ---- ioctls ---- */

static long get_termios(uint64_t user)
{
	uint64_t daif = spin_lock_irqsave(&console->lock);
	struct termios t = console->ldisc.t;

	spin_unlock_irqrestore(&console->lock, daif);
	return put_user(t, user);
}

static void flush_queues(bool input)
{
	uint64_t daif = spin_lock_irqsave(&console->lock);

	if (input)
		ldisc_flush_input(&console->ldisc);
	spin_unlock_irqrestore(&console->lock, daif);
}

/* Output has always drained: it is written before write() returns. */
static long set_termios(uint64_t user, bool flush_input)
{
	struct termios t;
	uint64_t daif;

	if (get_user(t, user))
		return -EFAULT;
	if (flush_input)
		flush_queues(true);
	daif = spin_lock_irqsave(&console->lock);
	ldisc_set_termios(&console->ldisc, &t);
	spin_unlock_irqrestore(&console->lock, daif);
	wake_up(&console->queue, 0);
	return 0;
}

static long set_size(uint64_t user)
{
	struct winsize size;
	uint64_t daif;
	bool changed;

	if (get_user(size, user))
		return -EFAULT;
	daif = spin_lock_irqsave(&console->lock);
	changed = size.ws_row != console->size.ws_row || size.ws_col != console->size.ws_col;
	console->size = size;
	spin_unlock_irqrestore(&console->lock, daif);
	if (changed && console->foreground)
		signal_send_group(console->foreground, SIGWINCH);
	return 0;
}

static long get_unread(uint64_t user)
{
	uint64_t daif = spin_lock_irqsave(&console->lock);
	bool yes;
	int n = (int)ldisc_available(&console->ldisc, &yes);

	spin_unlock_irqrestore(&console->lock, daif);
	return put_user(n, user);
}

/* Is the terminal the current process's controlling one? */
static bool controls_us(void)
{
	return console->session && console->session == task_current()->process->sid;
}

/* Stealing (arg 1) is root's right (man 4 tty_ioctl, TIOCSCTTY). */
static long take_control(uint64_t steal)
{
	const struct process *p = task_current()->process;

	if (controls_us())
		return 0;
	if (p->sid != p->pid || (console->session && steal != 1))
		return -EPERM;
	console->session = p->sid;
	console->foreground = p->pgid;
	return 0;
}

static long give_up_control(void)
{
	if (!controls_us())
		return -ENOTTY;
	if (task_current()->process->sid == task_current()->process->pid)
		tty_session_ends(console->session);
	return 0;
}

static long set_foreground(uint64_t user)
{
	int group;

	if (!controls_us())
		return -ENOTTY;
	if (get_user(group, user))
		return -EFAULT;
	if (group < 0)
		return -EINVAL;
	if (signal_send_group(group, 0))
		return -ESRCH;
	console->foreground = group;
	return 0;
}

static long flush_which(uint64_t which)
{
	if (which > TCIOFLUSH)
		return -EINVAL;
	flush_queues(which != TCOFLUSH);
	return 0;
}

static long set_flow(uint64_t action)
{
	if (action > TCION)
		return -EINVAL;
	if (action == TCOOFF || action == TCOON) {
		uint64_t daif = spin_lock_irqsave(&console->lock);

		console->ldisc.stopped = action == TCOOFF;
		spin_unlock_irqrestore(&console->lock, daif);
		wake_up(&console->queue, 0);
	}
	return 0;
}

static long job_ioctl(unsigned cmd, uint64_t arg)
{
	switch (cmd) {
	case TIOCSCTTY:
		return take_control(arg);
	case TIOCNOTTY:
		return give_up_control();
	case TIOCGPGRP:
		return controls_us() ? put_user(console->foreground, arg) : -ENOTTY;
	case TIOCSPGRP:
		return set_foreground(arg);
	case TIOCGSID:
		return controls_us() ? put_user(console->session, arg) : -ENOTTY;
	default:
		return -ENOTTY;
	}
}

static long tty_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	(void)f;
	switch (cmd) {
	case TCGETS:
		return get_termios(arg);
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		return set_termios(arg, cmd == TCSETSF);
	case TIOCGWINSZ:
		return put_user(console->size, arg);
	case TIOCSWINSZ:
		return set_size(arg);
	case FIONREAD:
		return get_unread(arg);
	case TIOCOUTQ:
		return put_user((int)0, arg);
	case TCFLSH:
		return flush_which(arg);
	case TCXONC:
		return set_flow(arg);
	case TCSBRK:
	case TCSBRKP:
		return 0; /* nothing waits to go out, and a console sends no breaks */
	default:
		return job_ioctl(cmd, arg);
	}
}

void tty_session_ends(int sid)
{
	int group = console->foreground;

	if (!sid || console->session != sid)
		return;
	console->session = console->foreground = 0;
	if (group) {
		signal_send_group(group, SIGHUP);
		signal_send_group(group, SIGCONT);
	}
}

void tty_set_raw(void)
{
	uint64_t daif = spin_lock_irqsave(&console->lock);
	struct termios t = console->ldisc.t;

	t.c_iflag &= ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
	t.c_oflag &= ~OPOST;
	t.c_lflag &= ~(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
	ldisc_set_termios(&console->ldisc, &t);
	spin_unlock_irqrestore(&console->lock, daif);
}

/* ---- devices ---- */

static const struct file_ops tty_ops = {
	.read = tty_read,
	.write = tty_write,
	.poll = tty_poll,
	.ioctl = tty_ioctl,
};

static int console_open(struct file *f)
{
	f->ops = &tty_ops;
	return 0;
}

/* man 2 open: a session's leader without a terminal gets it, unless it says O_NOCTTY. */
static int line_open(struct file *f)
{
	f->ops = &tty_ops;
	if (!(f->flags & O_NOCTTY) && !console->session)
		take_control(0);
	return 0;
}

static int current_open(struct file *f)
{
	if (!controls_us())
		return -ENXIO;
	f->ops = &tty_ops;
	return 0;
}

void tty_init(void)
{
	console = kzalloc(sizeof(*console));
	check(console);
	ldisc_init(&console->ldisc, emit);
	wait_queue_init(&console->queue);
	check(!devfs_register("console", TTYAUX_MAJOR, 1, false, console_open, 0600));
	check(!devfs_register("tty", TTYAUX_MAJOR, 0, false, current_open, 0666));
	check(!devfs_register("ttyAMA0", 204, 64, false, line_open, 0620));
}
