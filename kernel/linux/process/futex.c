/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Futexes: futex(2). A waiter stands in one of the buckets under its key: address space and
 * address, or file and offset for shared mappings of a file. It enters the queue first and looks
 * at the word afterwards, so that a waker who changes the word and then wakes is never missed; if
 * it finds another value but was woken meanwhile, it has used that wake-up and returns 0.
 *
 * Buckets' locks cover their lists and the waiters' bucket and woken; two are taken in order of
 * address. User memory is never touched under them. Priority inheritance is not offered (-ENOSYS).
 */
#include "linux/process/futex_wake.h"

#include <linux/errno.h>
#include <linux/futex.h>
#include <linux/mman.h>

#include "arch/usercopy.h"
#include "lib/bits.h"
#include "lib/check.h"
#include "linux/process/process.h"
#include "linux/syscalls.h"
#include "linux/time/time.h"
#include "mm/page.h"
#include "mm/slab.h"

enum { BUCKETS_LEAST = 8, BUCKETS_MOST = 12 }; /* powers of two */

struct key {
	const void *object; /* struct space, or what the mapped file is */
	uint64_t offset;
};

struct bucket {
	struct spinlock lock;
	struct list waiters;
};

struct waiter {
	struct list link;
	struct key key;
	uint32_t bitset;
	struct bucket *bucket; /* where it stands */
	struct wait_queue sleep;
	bool woken;
};

/* More of them where there is memory for more waiters; made once, in futex_init(). */
static struct bucket *buckets;
static unsigned hash_shift;

static struct bucket *bucket_of(struct key key)
{
	uint64_t h = ((uint64_t)key.object >> 4 ^ key.offset) * 0x9e3779b97f4a7c15ull;

	return &buckets[h >> hash_shift];
}

void futex_init(void)
{
	unsigned bits = BUCKETS_LEAST;

	while (bits < BUCKETS_MOST && BIT(bits) < page_total() / 64)
		bits++;
	buckets = kcalloc(BIT(bits), sizeof(*buckets));
	check(buckets);
	for (uint64_t i = 0; i < BIT(bits); i++)
		list_init(&buckets[i].waiters);
	hash_shift = 64 - bits;
}

static bool same(struct key a, struct key b)
{
	return a.object == b.object && a.offset == b.offset;
}

static int key_of(uint64_t uva, bool shared, struct key *key)
{
	struct space *s = space_current();
	struct vma *vma;

	if (uva % 4)
		return -EINVAL;
	if (!user_range_ok(uva, 4))
		return -EFAULT;
	*key = (struct key){ s, uva };
	if (!shared)
		return 0;
	key->offset |= 1; /* shared and private waiters do not see each other */
	mutex_lock(&s->lock);
	vma = space_find(s, uva);
	if (vma && vma->file && vma->flags & MAP_SHARED) {
		key->object = vma->file->inode ? (void *)vma->file->inode : vma->file;
		key->offset = vma->offset + (uva - vma->start);
	}
	mutex_unlock(&s->lock);
	return vma ? 0 : -EFAULT;
}

/* ---- waking ---- */

/* HOLDS(b->lock) of the waiter's bucket. */
static void wake(struct waiter *w)
{
	list_remove(&w->link);
	/* The waiter takes the bucket's lock before it goes, so w stays until that is given back.
	 */
	__atomic_store_n(&w->woken, true, __ATOMIC_RELAXED);
	wake_up(&w->sleep, 0);
}

static int wake_key(struct key key, int count, uint32_t bitset)
{
	struct bucket *b = bucket_of(key);
	uint64_t daif = spin_lock_irqsave(&b->lock);
	struct waiter *w, *next;
	int woken = 0;

	list_for_each_safe(w, next, &b->waiters, link)
	{
		if (woken >= count)
			break;
		if (same(w->key, key) && w->bitset & bitset) {
			wake(w);
			woken++;
		}
	}
	spin_unlock_irqrestore(&b->lock, daif);
	return woken;
}

void futex_wake_user(uint64_t uva, int count, bool shared)
{
	struct key key;

	if (!key_of(uva, shared, &key))
		wake_key(key, count, FUTEX_BITSET_MATCH_ANY);
}

/* Two locks in order of address; once if they are the same. */
static uint64_t lock_two(struct bucket *a, struct bucket *b) NO_LOCK_ANALYSIS
{
	uint64_t daif = irq_save();

	spin_lock(a < b ? &a->lock : &b->lock);
	if (a != b)
		spin_lock(a < b ? &b->lock : &a->lock);
	return daif;
}

static void unlock_two(struct bucket *a, struct bucket *b, uint64_t daif) NO_LOCK_ANALYSIS
{
	spin_unlock(&a->lock);
	if (a != b)
		spin_unlock(&b->lock);
	irq_restore(daif);
}

/* Wake up to count waiters of from, let up to more of the others wait on to instead. */
static int requeue(struct key from, struct key to, int count, int more)
{
	struct bucket *a = bucket_of(from), *b = bucket_of(to);
	uint64_t daif = lock_two(a, b);
	struct waiter *w, *next;
	int woken = 0, moved = 0;

	list_for_each_safe(w, next, &a->waiters, link)
	{
		if (!same(w->key, from))
			continue;
		if (woken < count) {
			wake(w);
			woken++;
		} else if (moved < more) {
			list_remove(&w->link);
			w->key = to;
			__atomic_store_n(&w->bucket, b, __ATOMIC_RELAXED);
			list_append(&b->waiters, &w->link);
			moved++;
		} else {
			break;
		}
	}
	unlock_two(a, b, daif);
	return woken + moved;
}

/* ---- waiting ---- */

static void enqueue(struct waiter *w, struct key key, uint32_t bitset)
{
	struct bucket *b = bucket_of(key);
	uint64_t daif;

	*w = (struct waiter){ .key = key, .bitset = bitset, .bucket = b };
	wait_queue_init(&w->sleep);
	daif = spin_lock_irqsave(&b->lock);
	list_append(&b->waiters, &w->link);
	spin_unlock_irqrestore(&b->lock, daif);
}

/* Leave the queue, if not woken already. True: it was. */
static bool dequeue(struct waiter *w)
{
	for (;;) {
		struct bucket *b = __atomic_load_n(&w->bucket, __ATOMIC_RELAXED);
		uint64_t daif = spin_lock_irqsave(&b->lock);
		bool here = w->bucket == b, woken = w->woken;

		if (here)
			list_remove(&w->link);
		spin_unlock_irqrestore(&b->lock, daif);
		if (here)
			return woken;
	}
}

static int wait(uint64_t uva, bool shared, uint32_t expected, uint32_t bitset, uint64_t deadline)
{
	struct waiter w;
	struct key key;
	uint32_t value;
	int err = key_of(uva, shared, &key);

	if (err)
		return err;
	enqueue(&w, key, bitset);
	err = user_load32(&value, uva);
	if (!err && value != expected)
		err = -EAGAIN;
	if (!err)
		err = wait_event_timeout(&w.sleep, __atomic_load_n(&w.woken, __ATOMIC_RELAXED),
					 deadline);
	return dequeue(&w) ? 0 : err;
}

static long wait_again(struct task *t, struct restart *r)
{
	int err = wait(r->args[0], r->args[1], (uint32_t)r->args[2], (uint32_t)r->args[3],
		       r->deadline);

	if (err != -EINTR)
		return err;
	t->restart = *r;
	return -ERESTART_RESTARTBLOCK;
}

static long futex_wait(struct trapframe *tf, bool shared, bool absolute, bool realtime,
		       uint32_t bitset)
{
	struct restart r = { .call = wait_again, .deadline = TIMER_NEVER };
	struct __kernel_timespec ts;
	int err;

	if (!bitset)
		return -EINVAL;
	if (tf->x[3]) {
		if (get_user(ts, tf->x[3]))
			return -EFAULT;
		if (!timespec_valid(&ts))
			return -EINVAL;
		r.deadline = deadline_after(timespec_ns(&ts));
		if (absolute)
			clock_deadline(realtime ? CLOCK_REALTIME : CLOCK_MONOTONIC,
				       timespec_ns(&ts), &r.deadline);
	}
	r.args[0] = tf->x[0];
	r.args[1] = shared;
	r.args[2] = (uint32_t)tf->x[2];
	r.args[3] = bitset;
	if (tf->x[3])
		return wait_again(task_current(), &r);
	err = wait(tf->x[0], shared, (uint32_t)tf->x[2], bitset, TIMER_NEVER);
	return err == -EINTR ? -ERESTARTSYS : err;
}

/* ---- FUTEX_WAKE_OP ---- */

static uint32_t op_result(unsigned op, uint32_t old, uint32_t arg)
{
	switch (op) {
	case FUTEX_OP_SET:
		return arg;
	case FUTEX_OP_ADD:
		return old + arg;
	case FUTEX_OP_OR:
		return old | arg;
	case FUTEX_OP_ANDN:
		return old & ~arg;
	default:
		return old ^ arg;
	}
}

static bool op_compare(unsigned cmp, int32_t old, int32_t arg)
{
	switch (cmp) {
	case FUTEX_OP_CMP_EQ:
		return old == arg;
	case FUTEX_OP_CMP_NE:
		return old != arg;
	case FUTEX_OP_CMP_LT:
		return old < arg;
	case FUTEX_OP_CMP_LE:
		return old <= arg;
	case FUTEX_OP_CMP_GT:
		return old > arg;
	default:
		return old >= arg;
	}
}

/* Change *uva as val3 says; *wake whether the old value passes the comparison. */
static int change_word(uint64_t uva, uint32_t val3, bool *wake_second)
{
	unsigned op = val3 >> 28 & 7, cmp = val3 >> 24 & 15;
	uint32_t arg = (uint32_t)((int32_t)(val3 << 8) >> 20), old, seen;
	int32_t against = (int32_t)(val3 << 20) >> 20;
	int err;

	if (val3 >> 31)
		arg = 1u << (arg & 31);
	if (op > FUTEX_OP_XOR || cmp > FUTEX_OP_CMP_GE)
		return -ENOSYS;
	err = user_load32(&old, uva);
	while (!err) {
		err = user_cmpxchg32(&seen, uva, old, op_result(op, old, arg));
		if (err || seen == old)
			break;
		old = seen;
	}
	*wake_second = op_compare(cmp, (int32_t)old, against);
	return err;
}

static long wake_op(struct trapframe *tf, bool shared)
{
	struct key first, second;
	bool wake_second = false;
	int err = key_of(tf->x[0], shared, &first), woken;

	if (!err)
		err = key_of(tf->x[4], shared, &second);
	if (!err)
		err = change_word(tf->x[4], (uint32_t)tf->x[5], &wake_second);
	if (err)
		return err;
	woken = wake_key(first, (int)tf->x[2], FUTEX_BITSET_MATCH_ANY);
	if (wake_second)
		woken += wake_key(second, (int)tf->x[3], FUTEX_BITSET_MATCH_ANY);
	return woken;
}

/* ---- the call ---- */

static long futex_wake(struct trapframe *tf, bool shared, uint32_t bitset)
{
	struct key key;
	int err = key_of(tf->x[0], shared, &key);

	if (!bitset)
		return -EINVAL;
	return err ? err : wake_key(key, max((int)tf->x[2], 1), bitset);
}

static long futex_requeue(struct trapframe *tf, bool shared, bool compare)
{
	struct key from, to;
	uint32_t value;
	int err = key_of(tf->x[0], shared, &from);

	if (!err)
		err = key_of(tf->x[4], shared, &to);
	if ((int)tf->x[2] < 0 || (int)tf->x[3] < 0)
		return -EINVAL;
	if (!err && compare) {
		err = user_load32(&value, tf->x[0]);
		if (!err && value != (uint32_t)tf->x[5])
			err = -EAGAIN;
	}
	return err ? err : requeue(from, to, (int)tf->x[2], (int)tf->x[3]);
}

long sys_futex(struct trapframe *tf)
{
	uint32_t op = (uint32_t)tf->x[1], bitset = (uint32_t)tf->x[5];
	bool shared = !(op & FUTEX_PRIVATE_FLAG), realtime = op & FUTEX_CLOCK_REALTIME;

	if (realtime &&
	    (op & ~(uint32_t)(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME)) != FUTEX_WAIT_BITSET)
		return -ENOSYS;
	switch (op & ~(uint32_t)(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME)) {
	case FUTEX_WAIT:
		return futex_wait(tf, shared, false, false, FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAIT_BITSET:
		return futex_wait(tf, shared, true, realtime, bitset);
	case FUTEX_WAKE:
		return futex_wake(tf, shared, FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAKE_BITSET:
		return futex_wake(tf, shared, bitset);
	case FUTEX_REQUEUE:
		return futex_requeue(tf, shared, false);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(tf, shared, true);
	case FUTEX_WAKE_OP:
		return wake_op(tf, shared);
	default:
		return -ENOSYS;
	}
}
