/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc and /sys: what procfs.c (the fixed part), proc_pid.c (processes) and others tell each
 * other. */
#pragma once

#include "linux/fs/inode.h"
#include "linux/proc/text.h"

struct process;

void procfs_init(void);
/* As procfs_register() of linux/fs/file.h, but path begins at the root: "/sys/…". */
int pseudo_register(const char *path, void (*show)(struct text *t, void *arg), void *arg);
/* The same, and what is written is given to store(), ended by a NUL: 0 or -errno. */
int pseudo_register_rw(const char *path, void (*show)(struct text *t, void *arg),
		       int (*store)(const char *text, size_t size, void *arg), void *arg);
/* A symbolic link with that text; the string stays the caller's for ever. */
int pseudo_link(const char *path, const char *text);

/* A directory whose files are numbers from 1 on. Registered once, constant. */
struct pseudo_numbers {
	unsigned (*next)(unsigned above);	      /* the least there is above; 0: none */
	int (*open)(struct file *f, unsigned number); /* by text_open(); -ENOENT: it has gone */
};
int pseudo_register_numbers(const char *path, const struct pseudo_numbers *numbers);
/* A name that is a decimal number without leading zeros; -1: it is none. */
int proc_number(const char *name, size_t length);

/* Names in /proc that are processes (linux/proc/proc_pid.c). HOLDS(fs_lock) */
int proc_pid_lookup(struct inode *proc, const char *name, size_t length, struct inode **out);
/* Their entries from f->pos on; pids begin at position PROC_PID_BASE + pid. */
void proc_pid_readdir(struct file *f, struct dirents *to);
#define PROC_PID_BASE 0x10000

void proc_system_init(void); /* linux/proc/proc_system.c: the files of the whole machine */
void proc_show_mounts(struct text *t, void *arg);

/* Texts of one process or task (linux/proc/proc_show.c); arg is a struct proc_subject. */
struct proc_subject {
	struct process *process; /* counted */
	int tid;		 /* 0: the whole process */
};
/* Make f the memory of a process (linux/space/space_access.c). -EACCES, -ESRCH. */
int proc_mem_open(struct file *f, struct process *p);
void proc_show_stat(struct text *t, void *arg);
void proc_show_status(struct text *t, void *arg);
void proc_show_statm(struct text *t, void *arg);
void proc_show_comm(struct text *t, void *arg);
void proc_show_cmdline(struct text *t, void *arg);
void proc_show_auxv(struct text *t, void *arg);
void proc_show_environ(struct text *t, void *arg);
void proc_show_limits(struct text *t, void *arg);
void proc_show_maps(struct text *t, void *arg);
