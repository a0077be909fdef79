/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What /proc tells of one process (man 5 proc): stat, status, statm, comm, cmdline, maps. A
 * process may end while it is looked at: its numbers stay, what it has given back reads as nothing.
 */
#include "linux/proc/procfs.h"

#include <asm/mman.h>
#include <linux/mman.h>
#include <linux/limits.h>
#include <linux/resource.h>

#include "lib/bits.h"
#include "lib/string.h"
#include "linux/fs/fd.h"
#include "linux/process/program.h"
#include "linux/time/time.h"
#include "linux/ptrace/traced.h"
#include "mm/page.h"
#include "mm/slab.h"

#define TICK_NS	     10000000ul /* USER_HZ is 100 */
#define PAGES(bytes) ((unsigned long)((bytes) / PAGE_SIZE))
#define CMDLINE_MOST 65536u

/* ---- what is asked under tasks_lock ---- */

struct summary {
	char name[16];
	char state;
	unsigned threads;
	int tracer;
	uint64_t runtime_ns;
	uint64_t affinity;
};

/* As Linux writes it: the letter alone in stat, with its word in status. */
static const char *state_text(char letter)
{
	switch (letter) {
	case 'R':
		return "R (running)";
	case 'S':
		return "S (sleeping)";
	case 'T':
		return "T (stopped)";
	case 't':
		return "t (tracing stop)";
	default:
		return "Z (zombie)";
	}
}

static char state_letter(const struct process *p, const struct task *t)
{
	if (p->state != PROCESS_ALIVE)
		return 'Z';
	if (t && t->trace && t->trace->state != TRACE_RUNNING)
		return 't';
	if (p->stopped)
		return 'T';
	return t && atomic_load_explicit(&t->thread.state, memory_order_relaxed) == THREAD_RUNNING
		       ? 'R'
		       : 'S';
}

/* HOLDS(tasks_lock). The task meant; NULL: it has ended. */
static struct task *subject_task(const struct proc_subject *s)
{
	struct task *t;

	list_for_each(t, &s->process->tasks, sibling)
		if (!s->tid || t->tid == s->tid)
			return t;
	return NULL;
}

static struct summary summarize(const struct proc_subject *s)
{
	struct summary sum = { .name = "" };
	uint64_t daif = spin_lock_irqsave(&tasks_lock);
	const struct task *t = subject_task(s);

	sum.state = state_letter(s->process, t);
	sum.threads = s->process->task_count;
	if (t) {
		memcpy(sum.name, t->thread.name, sizeof(sum.name));
		sum.affinity = t->thread.affinity;
		sum.tracer = is_traced(t) ? t->trace->tracer->tid : 0;
		sum.runtime_ns = s->tid ? timer_ticks_to_ns(t->thread.runtime) : 0;
	}
	spin_unlock_irqrestore(&tasks_lock, daif);
	if (!s->tid)
		sum.runtime_ns = process_runtime(s->process);
	return sum;
}

struct memory {
	uint64_t mapped, resident, stack, code; /* bytes */
};

static struct memory measure(struct process *p)
{
	struct space *s = process_space(p);
	struct memory m = { 0 };

	if (!s)
		return m;
	mutex_lock(&s->lock);
	for (struct rb_node *n = rb_first(&s->areas); n; n = rb_next(n)) {
		const struct vma *v = rb_entry(n, struct vma, node);

		m.mapped += v->end - v->start;
		m.code += v->prot & PROT_EXEC ? v->end - v->start : 0;
		m.stack += v->end == STACK_TOP ? v->end - v->start : 0;
	}
	m.resident = s->resident;
	mutex_unlock(&s->lock);
	space_put(s);
	return m;
}

/* ---- texts ---- */

void proc_show_stat(struct text *t, void *arg)
{
	const struct proc_subject *s = arg;
	const struct process *p = s->process;
	struct summary sum = summarize(s);
	struct memory m = measure(s->process);

	text_printf(t, "%d (%s) %c %d %d %d 0 -1 0 0 0 0 0 ", s->tid ? s->tid : p->pid, sum.name,
		    sum.state, p->ppid, p->pgid, p->sid);
	/* utime stime cutime cstime priority nice num_threads itrealvalue starttime */
	text_printf(t, "%lu 0 %lu 0 20 0 %u 0 %lu ", sum.runtime_ns / TICK_NS,
		    p->children_runtime_ns / TICK_NS, sum.threads, p->started_ns / TICK_NS);
	/* vsize rss rsslim, addresses, signals, wchan … exit_code: 52 fields in all */
	text_printf(t, "%lu %lu 18446744073709551615", m.mapped, PAGES(m.resident));
	for (unsigned field = 26; field <= 52; field++)
		text_printf(t, " 0");
	text_printf(t, "\n");
}

static void put_ids(struct text *t, const char *name, const struct ids *ids)
{
	text_printf(t, "%s:\t%u\t%u\t%u\t%u\n", name, ids->real, ids->effective, ids->saved,
		    ids->effective);
}

void proc_show_status(struct text *t, void *arg)
{
	const struct proc_subject *s = arg;
	const struct process *p = s->process;
	struct summary sum = summarize(s);
	struct memory m = measure(s->process);

	text_printf(t, "Name:\t%s\nState:\t%s\nTgid:\t%d\nPid:\t%d\nPPid:\t%d\nTracerPid:\t%d\n",
		    sum.name, state_text(sum.state), p->pid, s->tid ? s->tid : p->pid, p->ppid,
		    sum.tracer);
	put_ids(t, "Uid", &p->uid);
	put_ids(t, "Gid", &p->gid);
	text_printf(t, "VmSize:\t%8lu kB\nVmRSS:\t%8lu kB\nVmStk:\t%8lu kB\nVmExe:\t%8lu kB\n",
		    m.mapped / 1024, m.resident / 1024, m.stack / 1024, m.code / 1024);
	text_printf(t, "Threads:\t%u\nCpus_allowed:\t%lx\n", sum.threads, sum.affinity);
	text_printf(t, "Mems_allowed:\t1\nMems_allowed_list:\t0\n");
}

void proc_show_statm(struct text *t, void *arg)
{
	const struct proc_subject *s = arg;
	struct memory m = measure(s->process);

	text_printf(t, "%lu %lu 0 %lu 0 %lu 0\n", PAGES(m.mapped), PAGES(m.resident), PAGES(m.code),
		    PAGES(m.mapped - m.code));
}

void proc_show_comm(struct text *t, void *arg)
{
	struct summary sum = summarize(arg);

	text_printf(t, "%s\n", sum.name);
}

/* Copy [va, end) of a space, as far as it is there. */
static void put_memory(struct text *t, struct space *s, uint64_t va, uint64_t end)
{
	uint8_t part[256];
	size_t n;

	for (; va < end; va += n) {
		n = space_copy(s, va, part, min(end - va, sizeof(part)), SPACE_READ, false);
		if (!n)
			return;
		text_put(t, part, n);
	}
}

/* [start, end) of the process's memory. */
static void show_memory(struct text *t, struct process *p, uint64_t start, uint64_t end)
{
	struct space *s = process_space(p);

	if (!s)
		return;
	put_memory(t, s, start, end);
	space_put(s);
}

void proc_show_cmdline(struct text *t, void *arg)
{
	struct process *p = ((const struct proc_subject *)arg)->process;

	show_memory(t, p, p->arg_start, min(p->arg_end, p->arg_start + CMDLINE_MOST));
}

void proc_show_environ(struct text *t, void *arg)
{
	struct process *p = ((const struct proc_subject *)arg)->process;

	show_memory(t, p, p->arg_end, min(p->env_end, p->arg_end + CMDLINE_MOST));
}

/* man 5 proc: a name, two numbers and a unit a line, in columns. */
void proc_show_limits(struct text *t, void *arg)
{
	static const char names[RLIM_NLIMITS][2][18] = {
		{ "cpu time", "seconds" },     { "file size", "bytes" },
		{ "data size", "bytes" },      { "stack size", "bytes" },
		{ "core file size", "bytes" }, { "resident set", "bytes" },
		{ "processes", "processes" },  { "open files", "files" },
		{ "locked memory", "bytes" },  { "address space", "bytes" },
		{ "file locks", "locks" },     { "pending signals", "signals" },
		{ "msgqueue size", "bytes" },  { "nice priority", "" },
		{ "realtime priority", "" },   { "realtime timeout", "us" },
	};
	const struct process *p = ((const struct proc_subject *)arg)->process;

	text_printf(t, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (unsigned i = 0; i < RLIM_NLIMITS; i++) {
		text_printf(t, "Max %-21s", names[i][0]);
		for (int hard = 0; hard < 2; hard++) {
			if (p->rlimits[i][hard] == RLIM64_INFINITY)
				text_printf(t, " %-20s", "unlimited");
			else
				text_printf(t, " %-20lu", p->rlimits[i][hard]);
		}
		text_printf(t, " %-10s\n", names[i][1]);
	}
}

void proc_show_auxv(struct text *t, void *arg)
{
	struct process *p = ((const struct proc_subject *)arg)->process;
	uint64_t size = p->auxv_start ? AUXV_WORDS * sizeof(uint64_t) : 0;

	show_memory(t, p, p->auxv_start, p->auxv_start + size);
}

/* ---- maps ---- */

/* One area, as it was when the lock was held. */
struct area {
	uint64_t start, end, offset;
	uint32_t prot, flags;
	struct file *file; /* counted */
};

/* The first area that ends above va. */
static bool area_above(struct space *s, uint64_t va, struct area *a)
{
	const struct vma *v;

	mutex_lock(&s->lock);
	v = vma_above(&s->areas, va);
	if (v)
		*a = (struct area){ v->start, v->end,	v->file ? v->offset : 0,
				    v->prot,  v->flags, v->file ? file_get(v->file) : NULL };
	mutex_unlock(&s->lock);
	return v;
}

static void put_area_name(struct text *t, const struct space *s, const struct area *a, char *path)
{
	if (a->file && a->file->inode && inode_path(a->file->inode, path, PATH_MAX) > 0)
		text_printf(t, "          %s", path);
	else if (a->file)
		text_printf(t, "          anon_inode");
	else if (a->end == STACK_TOP)
		text_printf(t, "          [stack]");
	else if (a->start >= s->brk_start && a->end <= align_up(s->brk, PAGE_SIZE))
		text_printf(t, "          [heap]");
}

void proc_show_maps(struct text *t, void *arg)
{
	struct space *s = process_space(((const struct proc_subject *)arg)->process);
	char *path = kmalloc(PATH_MAX);
	struct area a = { 0 };

	while (s && path && area_above(s, a.end, &a)) {
		const struct inode *inode = a.file ? a.file->inode : NULL;

		text_printf(t, "%08lx-%08lx %c%c%c%c %08lx 00:%02x %lu", a.start, a.end,
			    a.prot & PROT_READ ? 'r' : '-', a.prot & PROT_WRITE ? 'w' : '-',
			    a.prot & PROT_EXEC ? 'x' : '-', a.flags & MAP_SHARED ? 's' : 'p',
			    a.offset, inode != NULL, inode ? inode->ino : 0);
		put_area_name(t, s, &a, path);
		text_printf(t, "\n");
		if (a.file)
			file_put(a.file);
	}
	kfree(path);
	if (s)
		space_put(s);
}
