/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The directories of processes in /proc: /proc/N, /proc/N/fd, /proc/N/task and what lies in them.
 * Their inodes are made when somebody walks there and go with the last reference; each holds
 * its process. What the files say is proc_show.c's.
 */
#include <linux/errno.h>
#include <linux/limits.h>

#include "lib/bits.h"
#include "lib/string.h"
#include "linux/fs/fd.h"
#include "linux/ipc/pipe.h"
#include "linux/process/process.h"
#include "linux/proc/procfs.h"
#include "linux/fs/uapi_fs.h"
#include "mm/slab.h"

struct pid_inode;

/* What a name below /proc/N is: a text (show), a link (follow) or a directory. */
struct pid_entry {
	const char *name;
	enum { TEXT, MEMORY, LINK, DIR_ENTRIES, DIR_FD, DIR_TASK } kind;
	void (*show)(struct text *t, void *arg);
	int (*follow)(const struct pid_inode *link, struct inode **out);
	const struct pid_entry *entries; /* of DIR_ENTRIES; ends with a row without name */
};

struct pid_inode {
	struct inode inode;
	struct proc_subject subject;
	const struct pid_entry *entry;
	int fd; /* of a link in fd/ */
};

static const struct inode_ops text_ops, link_ops, dir_ops;
static const struct file_ops dir_file_ops;

static struct pid_inode *pid_inode(const struct inode *inode)
{
	return container_of(inode, struct pid_inode, inode);
}

/* ---- making ---- */

static uint32_t entry_mode(const struct pid_entry *e)
{
	if (e->kind == TEXT)
		return S_IFREG | 0444;
	if (e->kind == MEMORY)
		return S_IFREG | 0600;
	return e->kind == LINK ? S_IFLNK | 0777 : S_IFDIR | 0555;
}

/* The same thing has the same number at each look. */
static uint64_t entry_ino(const struct proc_subject *s, const struct pid_entry *e, int fd)
{
	uint64_t subject = (uint64_t)(s->tid ? s->tid : s->process->pid) << 33;

	return BIT(63) | subject | (uint64_t)(s->tid != 0) << 32 |
	       ((uint64_t)(fd + 1) << 12 & UINT32_MAX) | ((uint64_t)(uintptr_t)e >> 3 & 0xfff);
}

static int make(const struct proc_subject *subject, const struct pid_entry *e, int fd,
		struct inode *parent, struct inode **out)
{
	struct pid_inode *n = kzalloc(sizeof(*n));

	if (!n)
		return -ENOMEM;
	inode_init(&n->inode,
		   e->kind < LINK    ? &text_ops
		   : e->kind == LINK ? &link_ops
				     : &dir_ops,
		   entry_mode(e));
	n->inode.ino = entry_ino(subject, e, fd);
	n->inode.nlink = 1;
	n->subject = *subject;
	process_ref(subject->process);
	n->entry = e;
	n->fd = fd;
	if (e->kind >= DIR_ENTRIES) {
		n->inode.file_ops = &dir_file_ops;
		n->inode.parent = inode_get(parent);
	}
	*out = &n->inode;
	return 0;
}

static void pid_release(struct inode *inode)
{
	struct pid_inode *n = pid_inode(inode);

	process_put(n->subject.process);
	if (inode->parent)
		inode_put(inode->parent); /* at most three levels deep */
	kfree(n);
}

/* ---- texts ---- */

static void subject_free(void *arg)
{
	struct proc_subject *s = arg;

	process_put(s->process);
	kfree(s);
}

static int text_file_open(struct inode *inode, struct file *f)
{
	struct proc_subject *s = kmalloc(sizeof(*s));
	int err;

	if (pid_inode(inode)->entry->kind == MEMORY) {
		kfree(s);
		return proc_mem_open(f, pid_inode(inode)->subject.process);
	}
	if (!s)
		return -ENOMEM;
	*s = pid_inode(inode)->subject;
	process_ref(s->process);
	err = text_open(f, pid_inode(inode)->entry->show, s, subject_free);
	if (err)
		subject_free(s);
	return err;
}

static const struct inode_ops text_ops = { .open = text_file_open, .release = pid_release };

/* ---- links ---- */

/* HOLDS(fs_lock) */
static int follow_root(const struct pid_inode *link, struct inode **out)
{
	(void)link;
	*out = inode_get(fs_root());
	return 0;
}

/* HOLDS(fs_lock) */
static int follow_cwd(const struct pid_inode *link, struct inode **out)
{
	uint64_t daif = spin_lock_irqsave(&tasks_lock);
	const struct fs_state *fs = link->subject.process->fs;

	*out = fs ? inode_get(fs->cwd) : NULL;
	spin_unlock_irqrestore(&tasks_lock, daif);
	return *out ? 0 : -ENOENT;
}

static int follow_exe(const struct pid_inode *link, struct inode **out)
{
	uint64_t daif = spin_lock_irqsave(&tasks_lock);
	const struct file *exe = link->subject.process->exe;

	*out = exe ? inode_get(exe->inode) : NULL;
	spin_unlock_irqrestore(&tasks_lock, daif);
	return *out ? 0 : -ENOENT;
}

/* The open file of fd/N, one reference; NULL: it is closed. */
static struct file *open_file(const struct pid_inode *link)
{
	struct fd_table *fds = process_fds(link->subject.process);
	struct file *f = fds ? fd_table_file(fds, (unsigned)link->fd) : NULL;

	if (fds)
		fd_table_release(fds);
	return f;
}

/* -ENXIO: it has no name; a pipe gets an inode for this once, others cannot be opened anew.
 * HOLDS(fs_lock): no file may be let go */
static int fd_inode(const struct pid_inode *link, bool pipes, struct inode **out)
{
	struct fd_table *fds = process_fds(link->subject.process);
	struct pipe *p = NULL;
	int err;

	if (!fds)
		return -ENOENT;
	err = fd_table_inode(fds, (unsigned)link->fd, out);
	if (err == -ENXIO && pipes)
		p = fd_table_pipe(fds, (unsigned)link->fd);
	fd_table_release(fds);
	if (!p)
		return err;
	*out = pipe_inode(p);
	return *out ? 0 : -ENOMEM;
}

static int follow_fd(const struct pid_inode *link, struct inode **out)
{
	return fd_inode(link, true, out);
}

static int link_follow(struct inode *link, struct inode **out)
{
	return pid_inode(link)->entry->follow(pid_inode(link), out);
}

/* What stands for an open file that is no path. */
static ssize_t anonymous_name(const struct pid_inode *link, char *to, size_t size)
{
	struct file *f = open_file(link);
	struct stat st;
	int n;

	if (!f)
		return -ENOENT;
	if (!file_stat(f, &st) && (st.st_mode & S_IFMT) == S_IFIFO)
		n = snprintf(to, size, "pipe:[%lu]", st.st_ino);
	else
		n = snprintf(to, size, "anon_inode:[%lu]", st.st_ino);
	file_put(f);
	return n < (int)size ? n : (ssize_t)size;
}

/* Not under fs_lock: a walk asks link_follow(). */
static ssize_t link_readlink(struct inode *link, char *to, size_t size)
{
	struct inode *target;
	char *path;
	int n;

	mutex_lock(&fs_lock);
	n = pid_inode(link)->entry->follow == follow_fd ? fd_inode(pid_inode(link), false, &target)
							: link_follow(link, &target);
	mutex_unlock(&fs_lock);
	if (n == -ENXIO)
		return anonymous_name(pid_inode(link), to, size);
	if (n)
		return n;
	path = kmalloc(PATH_MAX);
	n = path ? inode_path(target, path, PATH_MAX) : -ENOMEM;
	if (n > 0) {
		n = n < (int)size ? n : (int)size;
		memcpy(to, path, (size_t)n);
	}
	kfree(path);
	if (n == -ENOENT && (target->mode & S_IFMT) == S_IFIFO) /* such a pipe, opened anew */
		n = (int)anonymous_name(pid_inode(link), to, size);
	inode_put(target);
	return n;
}

static const struct inode_ops link_ops = {
	.readlink = link_readlink,
	.follow = link_follow,
	.release = pid_release,
};

/* ---- directories ---- */

static const struct pid_entry fd_entry = { .name = "", .kind = LINK, .follow = follow_fd };

static const struct pid_entry task_entries[] = {
	{ .name = "stat", .show = proc_show_stat },
	{ .name = "status", .show = proc_show_status },
	{ .name = "comm", .show = proc_show_comm },
	{ .name = "maps", .show = proc_show_maps },
	{ .name = "auxv", .show = proc_show_auxv },
	{ .name = "mem", .kind = MEMORY },
	{ 0 },
};
static const struct pid_entry task_entry = { .kind = DIR_ENTRIES, .entries = task_entries };

static const struct pid_entry process_entries[] = {
	{ .name = "stat", .show = proc_show_stat },
	{ .name = "status", .show = proc_show_status },
	{ .name = "statm", .show = proc_show_statm },
	{ .name = "comm", .show = proc_show_comm },
	{ .name = "cmdline", .show = proc_show_cmdline },
	{ .name = "environ", .show = proc_show_environ },
	{ .name = "limits", .show = proc_show_limits },
	{ .name = "maps", .show = proc_show_maps },
	{ .name = "auxv", .show = proc_show_auxv },
	{ .name = "mem", .kind = MEMORY },
	{ .name = "mounts", .show = proc_show_mounts },
	{ .name = "exe", .kind = LINK, .follow = follow_exe },
	{ .name = "cwd", .kind = LINK, .follow = follow_cwd },
	{ .name = "root", .kind = LINK, .follow = follow_root },
	{ .name = "fd", .kind = DIR_FD },
	{ .name = "task", .kind = DIR_TASK },
	{ 0 },
};
static const struct pid_entry process_entry = { .kind = DIR_ENTRIES, .entries = process_entries };

int proc_number(const char *name, size_t length)
{
	int n = 0;

	if (!length || length > 9 || (name[0] == '0' && length > 1))
		return -1;
	for (size_t i = 0; i < length; i++) {
		if (name[i] < '0' || name[i] > '9')
			return -1;
		n = n * 10 + name[i] - '0';
	}
	return n;
}

static int entries_lookup(struct pid_inode *dir, const char *name, size_t length,
			  struct inode **out)
{
	for (const struct pid_entry *e = dir->entry->entries; e->name; e++)
		if (strlen(e->name) == length && !memcmp(e->name, name, length))
			return make(&dir->subject, e, -1, &dir->inode, out);
	return -ENOENT;
}

static int fd_lookup(struct pid_inode *dir, int fd, struct inode **out)
{
	struct pid_inode asked = { .subject = dir->subject, .fd = fd };
	struct inode *inode;
	int err = fd < 0 ? -ENOENT : fd_inode(&asked, false, &inode);

	if (!err)
		inode_put(inode);
	else if (err == -ENOENT)
		return err;
	return make(&dir->subject, &fd_entry, fd, &dir->inode, out);
}

/* The lowest tid of the process above `above`; 0: none. */
static int next_tid(const struct process *p, int above)
{
	uint64_t daif = spin_lock_irqsave(&tasks_lock);
	const struct task *t;
	int tid = 0;

	list_for_each(t, &p->tasks, sibling)
		if (t->tid > above && (!tid || t->tid < tid))
			tid = t->tid;
	spin_unlock_irqrestore(&tasks_lock, daif);
	return tid;
}

static int task_lookup(struct pid_inode *dir, int tid, struct inode **out)
{
	struct proc_subject s = { dir->subject.process, tid };

	if (tid <= 0 || next_tid(s.process, tid - 1) != tid)
		return -ENOENT;
	return make(&s, &task_entry, -1, &dir->inode, out);
}

static int pid_lookup(struct inode *inode, const char *name, size_t length, struct inode **out)
{
	struct pid_inode *dir = pid_inode(inode);

	switch (dir->entry->kind) {
	case DIR_FD:
		return fd_lookup(dir, proc_number(name, length), out);
	case DIR_TASK:
		return task_lookup(dir, proc_number(name, length), out);
	default:
		return entries_lookup(dir, name, length, out);
	}
}

static const struct inode_ops dir_ops = { .lookup = pid_lookup, .release = pid_release };

/* ---- reading directories ---- */

static bool add(struct file *f, struct dirents *to, uint64_t ino, uint32_t mode, const char *name,
		loff_t next)
{
	if (!dirents_add(to, ino, next, mode, name, strlen(name)))
		return false;
	f->pos = next;
	return true;
}

static bool add_number(struct file *f, struct dirents *to, uint32_t mode, int n, uint64_t ino,
		       loff_t next)
{
	char name[12];

	snprintf(name, sizeof(name), "%d", n);
	return add(f, to, ino, mode, name, next);
}

#define POSITION_FIRST 2 /* behind "." and ".." */

static void entries_readdir(struct file *f, struct dirents *to, const struct pid_inode *dir)
{
	const struct pid_entry *e = dir->entry->entries;

	for (loff_t at = POSITION_FIRST; e->name; e++, at++)
		if (at >= f->pos &&
		    !add(f, to, entry_ino(&dir->subject, e, -1), entry_mode(e), e->name, at + 1))
			return;
}

static void fd_readdir(struct file *f, struct dirents *to, const struct pid_inode *dir)
{
	struct fd_table *fds = process_fds(dir->subject.process);
	unsigned fd;

	if (!fds)
		return;
	while ((fd = fd_table_next(fds, (unsigned)(f->pos - POSITION_FIRST))) < FD_MAX)
		if (!add_number(f, to, S_IFLNK, (int)fd,
				entry_ino(&dir->subject, &fd_entry, (int)fd),
				fd + POSITION_FIRST + 1))
			break;
	fd_table_release(fds);
}

static void task_readdir(struct file *f, struct dirents *to, const struct pid_inode *dir)
{
	struct proc_subject s = dir->subject;

	while ((s.tid = next_tid(s.process, (int)(f->pos - POSITION_FIRST))))
		if (!add_number(f, to, S_IFDIR, s.tid, entry_ino(&s, &task_entry, -1),
				s.tid + POSITION_FIRST))
			break;
}

static int pid_readdir(struct file *f, struct dirents *to)
{
	const struct pid_inode *dir = pid_inode(f->inode);

	if (f->pos == 0 && !add(f, to, f->inode->ino, S_IFDIR, ".", 1))
		return 0;
	if (f->pos == 1 && !add(f, to, f->inode->parent->ino, S_IFDIR, "..", POSITION_FIRST))
		return 0;
	switch (dir->entry->kind) {
	case DIR_FD:
		fd_readdir(f, to, dir);
		break;
	case DIR_TASK:
		task_readdir(f, to, dir);
		break;
	default:
		entries_readdir(f, to, dir);
	}
	return 0;
}

static loff_t pid_seek(struct file *f, loff_t offset, int whence)
{
	if (whence == SEEK_CUR)
		offset += f->pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	return offset < 0 || offset > INT32_MAX ? -EINVAL : (f->pos = offset);
}

static const struct file_ops dir_file_ops = { .seek = pid_seek, .readdir = pid_readdir };

/* ---- in /proc itself ---- */

static ssize_t self_readlink(struct inode *link, char *to, size_t size)
{
	char text[12];
	size_t n = (size_t)snprintf(text, sizeof(text), "%d", task_current()->process->pid);

	(void)link;
	n = n < size ? n : size;
	memcpy(to, text, n);
	return (ssize_t)n;
}

static void self_release(struct inode *inode)
{
	kfree(inode);
}

/* /proc/self leads each reader to his own process. */
static const struct inode_ops self_ops = { .readlink = self_readlink, .release = self_release };

static int make_self(struct inode **out)
{
	struct inode *self = kzalloc(sizeof(*self));

	if (!self)
		return -ENOMEM;
	inode_init(self, &self_ops, S_IFLNK | 0777);
	self->nlink = 1;
	*out = self;
	return 0;
}

int proc_pid_lookup(struct inode *proc, const char *name, size_t length, struct inode **out)
{
	struct proc_subject s = { 0 };
	int pid = proc_number(name, length), err;

	if (length == 4 && !memcmp(name, "self", 4))
		return make_self(out);
	s.process = pid > 0 ? process_get(pid) : NULL;
	if (!s.process)
		return -ENOENT;
	err = make(&s, &process_entry, -1, proc, out);
	process_put(s.process);
	return err;
}

void proc_pid_readdir(struct file *f, struct dirents *to)
{
	struct process *p;

	if (f->pos < PROC_PID_BASE - 1 && !add(f, to, BIT(62), S_IFLNK, "self", PROC_PID_BASE - 1))
		return;
	if (f->pos < PROC_PID_BASE)
		f->pos = PROC_PID_BASE;
	while ((p = process_next((int)(f->pos - PROC_PID_BASE)))) {
		struct proc_subject s = { p, 0 };
		bool fits = add_number(f, to, S_IFDIR, p->pid, entry_ino(&s, &process_entry, -1),
				       p->pid + PROC_PID_BASE);

		process_put(p);
		if (!fits)
			return;
	}
}
