/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ppoll and pselect6 (man 2 poll, select). A poller asks each file once with its table, by which
 * the file's queues are joined; then it sleeps, and after each wake-up asks all files again
 * without.
 */
#include "linux/ipc/poller.h"

#include <asm/poll.h>
#include <linux/posix_types.h>
#include <linux/resource.h>
#include <linux/time_types.h>

#include "arch/usercopy.h"
#include "lib/bitmap.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "linux/fs/fd.h"
#include "linux/signal/signal.h"
#include "linux/syscalls.h"
#include "linux/time/time.h"
#include "mm/slab.h"

/* ---- pollers ---- */

#define CHUNK_ENTRIES 32

struct poll_chunk {
	struct poll_chunk *next;
	unsigned count;
	struct poll_entry entries[CHUNK_ENTRIES];
};

static bool poll_wake(struct wait_entry *e, uint32_t key)
{
	struct poller *p = container_of(e, struct poll_entry, wait)->poller;

	(void)key;
	/* release: pairs with the acquire in poller_wait() */
	atomic_store_explicit(&p->triggered, true, memory_order_release);
	return thread_wake(p->thread);
}

static struct poll_entry *entry_new(struct poller *p)
{
	struct poll_chunk *c = p->chunks;

	if (p->count < POLL_ENTRIES_FEW)
		return &p->few[p->count++];
	if (!c || c->count == CHUNK_ENTRIES) {
		c = kzalloc(sizeof(*c));
		if (!c)
			return NULL;
		c->next = p->chunks;
		p->chunks = c;
	}
	return &c->entries[c->count++];
}

static void poller_add(struct poll_table *table, struct wait_queue *queue)
{
	struct poller *p = container_of(table, struct poller, table);
	struct poll_entry *e = entry_new(p);

	if (!e) {
		p->err = -ENOMEM;
		return;
	}
	*e = (struct poll_entry){ .wait = { .func = poll_wake }, .queue = queue, .poller = p };
	wait_add(queue, &e->wait);
}

void poller_init(struct poller *p)
{
	p->table.add = poller_add;
	p->thread = thread_current();
	atomic_init(&p->triggered, false);
	p->err = 0;
	p->count = 0;
	p->chunks = NULL;
}

int poller_wait(struct poller *p, uint64_t deadline_ns)
{
	int err = 0;

	while (!err) {
		thread_prepare_block();
		/* acquire: what the waker did before is seen by the next asking */
		if (atomic_exchange_explicit(&p->triggered, false, memory_order_acquire))
			break;
		err = wait_sleep(true, deadline_ns);
	}
	thread_cancel_block();
	return err;
}

void poller_end(struct poller *p)
{
	for (unsigned i = 0; i < p->count; i++)
		wait_remove(p->few[i].queue, &p->few[i].wait);
	while (p->chunks) {
		struct poll_chunk *c = p->chunks;

		for (unsigned i = 0; i < c->count; i++)
			wait_remove(c->entries[i].queue, &c->entries[i].wait);
		p->chunks = c->next;
		kfree(c);
	}
}

/* ---- time ---- */

int deadline_from_user(uint64_t user, uint64_t *deadline)
{
	struct __kernel_timespec t;
	uint64_t now = timer_now(), ns;

	*deadline = TIMER_NEVER;
	if (!user)
		return 0;
	if (get_user(t, user))
		return -EFAULT;
	if (t.tv_sec < 0 || t.tv_nsec < 0 || (uint64_t)t.tv_nsec >= NS_PER_S)
		return -EINVAL;
	if ((uint64_t)t.tv_sec >= (INT64_MAX - now) / NS_PER_S - 1)
		return 0; /* centuries */
	ns = (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
	*deadline = now + ns;
	return 0;
}

void deadline_to_user(uint64_t user, uint64_t deadline)
{
	uint64_t now = timer_now(), left = deadline > now ? deadline - now : 0;
	struct __kernel_timespec t = { (int64_t)(left / NS_PER_S), (int64_t)(left % NS_PER_S) };

	if (user && deadline != TIMER_NEVER)
		(void)put_user(t, user);
}

/* ---- ppoll ---- */

#define FDS_FEW 8

/* One call's files: descriptors as the program gave them, and what they stand for. */
struct polled {
	struct pollfd *fds;
	struct file **files; /* counted; NULL: bad or ignored */
	unsigned count;
};

static uint32_t ask(struct file *f, uint32_t wanted, struct poll_table *table)
{
	uint32_t ready =
		f->ops->poll ? f->ops->poll(f, table) : POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;

	return ready & (wanted | POLLERR | POLLHUP);
}

/* How many are ready; fills in revents. */
static int ask_all(struct polled *p, struct poll_table *table)
{
	int ready = 0;

	for (unsigned i = 0; i < p->count; i++) {
		struct pollfd *fd = &p->fds[i];

		if (fd->fd < 0)
			fd->revents = 0;
		else if (!p->files[i])
			fd->revents = POLLNVAL;
		else
			fd->revents =
				(short)ask(p->files[i], (uint16_t)fd->events, ready ? NULL : table);
		ready += fd->revents != 0;
	}
	return ready;
}

/* Wait until one is ready: how many, 0 when the time is over, or -errno. */
static int wait_ready(struct polled *p, uint64_t deadline)
{
	struct poller poller;
	struct poll_table *table = &poller.table;
	int ready, err = 0;

	poller_init(&poller);
	for (;;) {
		ready = ask_all(p, table);
		if (ready || err)
			break;
		if (poller.err) {
			err = poller.err;
			break;
		}
		table = NULL; /* all queues have been joined */
		err = poller_wait(&poller, deadline);
	}
	poller_end(&poller);
	if (ready)
		return ready;
	return err == -ETIMEDOUT ? 0 : err;
}

static void files_get(struct polled *p)
{
	for (unsigned i = 0; i < p->count; i++)
		p->files[i] = p->fds[i].fd >= 0 ? fd_get(p->fds[i].fd) : NULL;
}

static void files_put(struct polled *p)
{
	for (unsigned i = 0; i < p->count; i++)
		if (p->files[i])
			file_put(p->files[i]);
}

static int poll_files(struct polled *p, uint64_t deadline)
{
	int ready;

	files_get(p);
	ready = wait_ready(p, deadline);
	files_put(p);
	return ready;
}

/* revents back to the program; only they: fds[].fd may be shared with other threads. */
static int revents_to_user(const struct polled *p, uint64_t user)
{
	for (unsigned i = 0; i < p->count; i++) {
		uint64_t at = user + i * sizeof(struct pollfd) + offsetof(struct pollfd, revents);

		if (put_user(p->fds[i].revents, at))
			return -EFAULT;
	}
	return 0;
}

static long poll_user(uint64_t user, unsigned count, uint64_t deadline)
{
	struct pollfd fds[FDS_FEW];
	struct file *files[FDS_FEW];
	struct polled p = { fds, files, count };
	long ready = -ENOMEM;

	if (count > FDS_FEW) {
		p.fds = kcalloc(count, sizeof(*p.fds));
		p.files = kcalloc(count, sizeof(*p.files));
	}
	if (p.fds && p.files)
		ready = copy_from_user(p.fds, user, count * sizeof(*p.fds));
	if (!ready)
		ready = poll_files(&p, deadline);
	if (ready >= 0 && revents_to_user(&p, user))
		ready = -EFAULT;
	if (count > FDS_FEW) {
		kfree(p.fds);
		kfree(p.files);
	}
	return ready;
}

long sys_ppoll(struct trapframe *tf)
{
	uint64_t deadline;
	long ready = deadline_from_user(tf->x[2], &deadline);

	if (ready)
		return ready;
	if ((uint32_t)tf->x[1] > task_current()->process->rlimits[RLIMIT_NOFILE][0])
		return -EINVAL;
	ready = signal_mask_swap(tf->x[3], tf->x[4]);
	if (ready)
		return ready;
	ready = poll_user(tf->x[0], (unsigned)tf->x[1], deadline);
	if (ready == -EINTR)
		ready = -ERESTARTNOHAND;
	signal_mask_unswap(ready);
	deadline_to_user(tf->x[2], deadline);
	return ready;
}

/* ---- pselect6 ---- */

#define SELECT_SETS  3
#define SELECT_WORDS (__FD_SETSIZE / 64)

/* What makes a descriptor ready for each of the three sets (man 2 select). */
static const uint32_t select_events[SELECT_SETS] = {
	POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR,
	POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR,
	POLLPRI,
};

struct select_sets {
	uint64_t in[SELECT_SETS][SELECT_WORDS], out[SELECT_SETS][SELECT_WORDS];
};

/* Sets are arrays of words; only those that n needs are read. */
static int sets_from_user(struct select_sets *s, const uint64_t user[SELECT_SETS], unsigned n)
{
	for (unsigned i = 0; i < SELECT_SETS; i++)
		if (user[i] &&
		    copy_from_user(s->in[i], user[i], BITMAP_WORDS(n) * sizeof(uint64_t)))
			return -EFAULT;
	return 0;
}

static int sets_to_user(struct select_sets *s, const uint64_t user[SELECT_SETS], unsigned n)
{
	for (unsigned i = 0; i < SELECT_SETS; i++)
		if (user[i] && copy_to_user(user[i], s->out[i], BITMAP_WORDS(n) * sizeof(uint64_t)))
			return -EFAULT;
	return 0;
}

static uint32_t wanted_of(const struct select_sets *s, unsigned fd)
{
	uint32_t wanted = 0;

	for (unsigned i = 0; i < SELECT_SETS; i++)
		if (bitmap_test(s->in[i], fd))
			wanted |= select_events[i];
	return wanted;
}

/* The descriptors asked for, as poll() has them. */
static unsigned sets_to_polled(const struct select_sets *s, unsigned n, struct pollfd *fds)
{
	unsigned count = 0;

	for (unsigned fd = 0; fd < n; fd++)
		if (wanted_of(s, fd))
			fds[count++] = (struct pollfd){ (int)fd, (short)wanted_of(s, fd), 0 };
	return count;
}

/* How many bits the answers set; -EBADF if one was no descriptor. */
static int polled_to_sets(const struct polled *p, struct select_sets *s)
{
	int bits = 0;

	for (unsigned k = 0; k < p->count; k++) {
		unsigned fd = (unsigned)p->fds[k].fd;
		uint32_t ready = (uint16_t)p->fds[k].revents;

		if (ready & POLLNVAL)
			return -EBADF;
		for (unsigned i = 0; i < SELECT_SETS; i++) {
			if (bitmap_test(s->in[i], fd) && (ready & select_events[i])) {
				bitmap_set(s->out[i], fd);
				bits++;
			}
		}
	}
	return bits;
}

static long select_sets(struct select_sets *s, unsigned n, uint64_t deadline)
{
	struct polled p = { kcalloc(n + 1, sizeof(*p.fds)), kcalloc(n + 1, sizeof(*p.files)), 0 };
	long ready = -ENOMEM;

	if (p.fds && p.files) {
		p.count = sets_to_polled(s, n, p.fds);
		ready = poll_files(&p, deadline);
		if (ready >= 0)
			ready = polled_to_sets(&p, s);
	}
	kfree(p.fds);
	kfree(p.files);
	return ready;
}

static long select_user(const uint64_t user[SELECT_SETS], unsigned n, uint64_t deadline)
{
	struct select_sets *s = kzalloc(sizeof(*s));
	long ready;

	if (!s)
		return -ENOMEM;
	ready = sets_from_user(s, user, n);
	if (!ready)
		ready = select_sets(s, n, deadline);
	if (ready >= 0 && sets_to_user(s, user, n))
		ready = -EFAULT;
	kfree(s);
	return ready;
}

long sys_pselect6(struct trapframe *tf)
{
	uint64_t mask[2] = { 0, 0 }, deadline; /* man 2 select: address and size of the mask */
	long ready = deadline_from_user(tf->x[4], &deadline);

	if (ready)
		return ready;
	if ((int)tf->x[0] < 0)
		return -EINVAL;
	if (tf->x[5] && get_user(mask, tf->x[5]))
		return -EFAULT;
	ready = signal_mask_swap(mask[0], mask[1]);
	if (ready)
		return ready;
	ready = select_user(&tf->x[1], min((unsigned)tf->x[0], (unsigned)__FD_SETSIZE), deadline);
	if (ready == -EINTR)
		ready = -ERESTARTNOHAND;
	signal_mask_unswap(ready);
	deadline_to_user(tf->x[4], deadline);
	return ready;
}
