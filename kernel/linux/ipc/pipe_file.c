/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pipes as files: two share one struct pipe, which lives as long as an end or a hold of it. The
 * bytes' way is pipe.c's, whose lock covers who reads and who writes.
 */
#include "linux/ipc/pipe.h"

#include <asm/ioctls.h>
#include <asm/poll.h>
#include <asm/stat.h>
#include <linux/fcntl.h>

#include "arch/usercopy.h"
#include "lib/bits.h"
#include "linux/fs/inode.h"
#include "linux/syscalls.h"
#include "mm/page.h"
#include "mm/slab.h"

#define PIPE_PAGES_STANDARD 16u /* 64 KiB, man 7 pipe */
#define PIPE_PAGES_MAX	    256u

uint32_t pipe_poll(struct file *f, struct poll_table *table)
{
	struct pipe *p = f->data;
	uint32_t ready = 0;

	if (pipe_reads(f)) {
		poll_wait(table, &p->read_queue);
		ready |= pipe_read_ready(p);
	}
	if (pipe_writes(f)) {
		poll_wait(table, &p->write_queue);
		ready |= pipe_write_ready(p);
	}
	return ready;
}

long pipe_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	return cmd == FIONREAD ? put_user((int)pipe_used(f->data), arg) : -ENOTTY;
}

static void pages_free(struct pipe *p)
{
	for (unsigned i = 0; i < p->page_count; i++)
		page_free(p->pages[i]);
	kfree(p->pages);
}

/* F_SETPIPE_SZ: a power of two of pages. Only an empty pipe changes its size. HOLDS(lock) */
static long set_size(struct pipe *p, uint64_t size)
{
	unsigned count = 1;
	uint8_t **pages;

	if (size > PIPE_PAGES_MAX * PAGE_SIZE)
		return -EPERM;
	while (count * PAGE_SIZE < size)
		count *= 2;
	if (count == p->page_count)
		return (long)(count * PAGE_SIZE);
	if (pipe_used(p))
		return -EBUSY;
	pages = kcalloc(count, sizeof(*pages));
	if (!pages)
		return -ENOMEM;
	pages_free(p);
	p->pages = pages;
	p->page_count = count;
	p->head = p->tail = 0;
	return (long)(count * PAGE_SIZE);
}

long pipe_fcntl(struct file *f, unsigned cmd, uint64_t arg)
{
	struct pipe *p = f->data;
	long result;

	if (cmd == F_GETPIPE_SZ)
		return (long)(p->page_count * PAGE_SIZE);
	if (cmd != F_SETPIPE_SZ)
		return -EINVAL;
	mutex_lock(&p->lock);
	result = set_size(p, arg);
	mutex_unlock(&p->lock);
	return result;
}

static uint64_t pipe_ino(const struct pipe *p)
{
	return (uintptr_t)p & UINT32_MAX;
}

static int pipe_stat(struct file *f, struct stat *st)
{
	*st = (struct stat){
		.st_ino = pipe_ino(f->data),
		.st_mode = S_IFIFO | S_IRUSR | S_IWUSR,
		.st_nlink = 1,
		.st_blksize = PAGE_SIZE,
	};
	return 0;
}

void pipe_destroy(struct pipe *p)
{
	if (p)
		pages_free(p);
	kfree(p);
}

void pipe_join(struct pipe *p, unsigned *end)
{
	++*end;
	atomic_fetch_add_explicit(&p->users, 1, memory_order_relaxed);
}

/* One user less. */
static void pipe_drop(struct pipe *p)
{
	/* acq_rel: the last one sees what the others did */
	if (atomic_fetch_sub_explicit(&p->users, 1, memory_order_acq_rel) == 1)
		pipe_destroy(p);
}

void pipe_leave(struct pipe *p, unsigned *end)
{
	mutex_lock(&p->lock);
	--*end;
	mutex_unlock(&p->lock);
	wake_up(&p->read_queue, 0);
	wake_up(&p->write_queue, 0);
	/* Only now: until here another one that leaves may not free it. */
	pipe_drop(p);
}

static void pipe_release(struct file *f)
{
	struct pipe *p = f->data;

	if (pipe_reads(f) && pipe_writes(f))
		atomic_fetch_add_explicit(&p->users, 1,
					  memory_order_relaxed); /* until both have left */
	if (pipe_reads(f))
		pipe_leave(p, &p->readers);
	if (pipe_writes(f))
		pipe_leave(p, &p->writers);
	if (pipe_reads(f) && pipe_writes(f))
		pipe_drop(p);
}

static const struct file_ops pipe_ops = {
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
	.fcntl = pipe_fcntl,
	.stat = pipe_stat,
	.release = pipe_release,
};

/* ---- /proc/self/fd/N of a pipe: what can be opened anew ---- */

struct pipe_inode {
	struct inode inode;
	struct pipe *pipe; /* counted as one user */
};

static struct pipe *pipe_of_inode(const struct inode *inode)
{
	return container_of(inode, const struct pipe_inode, inode)->pipe;
}

static int inode_open_pipe(struct inode *inode, struct file *f)
{
	struct pipe *p = pipe_of_inode(inode);

	mutex_lock(&p->lock);
	if (pipe_reads(f))
		pipe_join(p, &p->readers);
	if (pipe_writes(f))
		pipe_join(p, &p->writers);
	mutex_unlock(&p->lock);
	f->ops = &pipe_ops;
	f->data = p;
	return 0;
}

static void inode_release_pipe(struct inode *inode)
{
	pipe_drop(pipe_of_inode(inode));
	kfree(container_of(inode, struct pipe_inode, inode));
}

static const struct inode_ops pipe_inode_ops = { .open = inode_open_pipe,
						 .release = inode_release_pipe };

struct pipe *pipe_hold(const struct file *f)
{
	struct pipe *p = f->ops == &pipe_ops ? f->data : NULL;

	if (p)
		atomic_fetch_add_explicit(&p->users, 1, memory_order_relaxed);
	return p;
}

struct inode *pipe_inode(struct pipe *p)
{
	struct pipe_inode *i = kzalloc(sizeof(*i));

	if (!i) {
		pipe_drop(p);
		return NULL;
	}
	inode_init(&i->inode, &pipe_inode_ops, S_IFIFO | S_IRUSR | S_IWUSR);
	i->inode.ino = pipe_ino(p);
	i->inode.nlink = 1;
	i->pipe = p;
	return &i->inode;
}

/* ---- making ---- */

struct pipe *pipe_create(void)
{
	struct pipe *p = kzalloc(sizeof(*p));

	if (!p)
		return NULL;
	p->page_count = PIPE_PAGES_STANDARD;
	p->pages = kcalloc(p->page_count, sizeof(*p->pages));
	if (!p->pages) {
		kfree(p);
		return NULL;
	}
	mutex_init(&p->lock);
	wait_queue_init(&p->read_queue);
	wait_queue_init(&p->write_queue);
	return p;
}

struct pipe *pipe_create_sockets(void)
{
	struct pipe *p = pipe_create();

	if (!p)
		return NULL;
	pipe_join(p, &p->readers);
	pipe_join(p, &p->writers);
	pipe_join(p, &p->holds);
	pipe_join(p, &p->holds);
	return p;
}

/* The two ends. */
static int pipe_open(struct file *ends[2], uint32_t flags)
{
	struct pipe *p = pipe_create();

	if (!p)
		return -ENOMEM;
	pipe_join(p, &p->readers);
	ends[0] = file_create(&pipe_ops, p, O_RDONLY | flags);
	if (!ends[0]) {
		pipe_destroy(p);
		return -ENOMEM;
	}
	ends[1] = file_create(&pipe_ops, p, O_WRONLY | flags);
	if (!ends[1]) {
		file_put(ends[0]);
		return -ENOMEM;
	}
	pipe_join(p, &p->writers);
	return 0;
}

/* Descriptors for both; on failure neither is left. */
static int install_both(struct file *ends[2], int fds[2], bool cloexec)
{
	fds[0] = fd_install(ends[0], cloexec);
	if (fds[0] < 0) {
		file_put(ends[0]);
		file_put(ends[1]);
		return fds[0];
	}
	fds[1] = fd_install(ends[1], cloexec);
	if (fds[1] < 0) {
		fd_close(fds[0]);
		file_put(ends[1]);
		return fds[1];
	}
	return 0;
}

long sys_pipe2(struct trapframe *tf)
{
	uint32_t flags = (uint32_t)tf->x[1];
	struct file *ends[2];
	int fds[2], err;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	err = pipe_open(ends, flags & O_NONBLOCK);
	if (err)
		return err;
	err = install_both(ends, fds, flags & O_CLOEXEC);
	if (err)
		return err;
	if (!copy_to_user(tf->x[0], fds, sizeof(fds)))
		return 0;
	fd_close(fds[0]);
	fd_close(fds[1]);
	return -EFAULT;
}
