/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starting programs: execve(2), and the first program. The new address space is built beside the
 * old one, so that an error leaves the caller as he was; then all other tasks of the process end,
 * the space is exchanged, and the initial stack is written through the program's own addresses.
 * From there on an error kills. exec_stack.c has the stack, elf.c the segments.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/resource.h>
#include <linux/stat.h>

#include "arch/irq.h"
#include "arch/sysreg.h"
#include "lib/bits.h"
#include "lib/printk.h"
#include "lib/string.h"
#include "linux/fs/fd.h"
#include "linux/fs/inode.h"
#include "linux/time/posix_timer.h"
#include "linux/process/process.h"
#include "linux/process/program.h"
#include "linux/process/sve.h"
#include "linux/syscalls.h"
#include "linux/ptrace/traced.h"
#include "mm/page.h"
#include "mm/slab.h"

#define PIE_BASE     0xaaaaaaaa0000ull
#define SCRIPT_LINE  256
#define SCRIPT_DEPTH 4

/* ---- finding what to load ---- */

static int check_executable(struct file *f)
{
	if (!f->inode || (f->inode->mode & S_IFMT) != S_IFREG || !(f->inode->mode & 0111))
		return -EACCES;
	return 0;
}

static int open_program(int dirfd, const char *path, struct file **out)
{
	struct file *f;
	int err = path_open(dirfd, path, O_RDONLY, 0, &f);

	if (err)
		return err;
	err = check_executable(f);
	if (err)
		file_put(f);
	else
		*out = f;
	return err;
}

/* Cut "#! interpreter argument" into its words; *argument NULL: none. False: no script. */
static bool script_words(char *line, char **interpreter, char **argument)
{
	char *end = strchr(line, '\n');

	if (line[0] != '#' || line[1] != '!')
		return false;
	if (end)
		*end = 0;
	for (line += 2; *line == ' ' || *line == '\t'; line++)
		;
	*interpreter = line;
	while (*line && *line != ' ' && *line != '\t')
		line++;
	end = line + strlen(line);
	while (end > line && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
		*--end = 0;
	*argument = NULL;
	if (*line) {
		*line++ = 0;
		while (*line == ' ' || *line == '\t')
			line++;
		*argument = *line ? line : NULL;
	}
	return **interpreter;
}

/* If the program is a script, its interpreter takes its place. */
static int resolve_script(struct program *p)
{
	char line[SCRIPT_LINE], *interpreter, *argument;

	for (int depth = 0;; depth++) {
		ssize_t n = file_read_kernel(p->file, line, sizeof(line) - 1, 0);
		int err;

		if (n < 0)
			return (int)n;
		line[n] = 0;
		if (!script_words(line, &interpreter, &argument))
			return 0;
		if (depth == SCRIPT_DEPTH)
			return -ELOOP;
		/* The name of an interpreter that is a script itself stands in place already. */
		err = 0;
		if (!depth) {
			args_drop_first(&p->args);
			err = args_prepend(&p->args, p->name);
		}
		if (!err && argument)
			err = args_prepend(&p->args, argument);
		if (!err)
			err = args_prepend(&p->args, interpreter);
		if (err)
			return err;
		file_put(p->file);
		p->file = NULL;
		err = open_program(AT_FDCWD, p->args.block, &p->file); /* its name lies first */
		if (err)
			return err;
	}
}

/* ---- building ---- */

static int load_interpreter(struct program *p)
{
	struct file *f;
	int err = open_program(AT_FDCWD, p->image.interpreter, &f);

	if (err)
		return err;
	err = elf_load(p->space, f, 0, &p->interpreter);
	file_put(f);
	return err == -ENOEXEC ? -ELIBBAD : err;
}

/* RLIMIT_STACK, as far as there is room for it. */
static uint64_t stack_size(void)
{
	uint64_t limit = max(task_current()->process->rlimits[RLIMIT_STACK][0], STACK_LEAST);

	limit = min(limit, STACK_MOST);
	return align_down(limit, PAGE_SIZE);
}

static int build(struct program *p)
{
	uint64_t size = stack_size(), stack = STACK_TOP - size;
	int err;

	p->space = space_create();
	if (!p->space)
		return -ENOMEM;
	err = elf_load(p->space, p->file, PIE_BASE, &p->image);
	if (!err && p->image.interpreter[0])
		err = load_interpreter(p);
	if (!err)
		err = space_map(p->space, &stack, size, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_FIXED | MAP_STACK, NULL, 0);
	if (!err)
		err = sigframe_map_trampoline(p->space);
	p->space->brk_start = p->space->brk = p->image.end;
	return err;
}

/* ---- the exchange ---- */

static void use_space(struct space *s)
{
	struct task *t = task_current();
	struct space *old = t->process->space;
	uint64_t daif = spin_lock_irqsave(&tasks_lock);

	t->process->space = s;
	t->thread.mmu = &s->mmu;
	mmu_activate(&s->mmu);
	spin_unlock_irqrestore(&tasks_lock, daif);
	process_vfork_done(t->process);
	if (old)
		space_leave(old);
}

static void clear_thread_pointer(struct task *t)
{
	uint64_t daif = irq_save();

	t->thread.tpidr_el0 = 0;
	if (this_cpu()->mode == CPU_HOST)
		sysreg_write(tpidr_el0, 0);
	irq_restore(daif);
}

static int leave_old_program(struct task *t)
{
	struct process *p = t->process;
	struct fd_table *fds = p->fds, *own;
	uint64_t daif;

	if (atomic_load_explicit(&fds->refs, memory_order_acquire) > 1) {
		own = fd_table_clone(fds);
		if (!own)
			return -ENOMEM;
		daif = spin_lock_irqsave(&tasks_lock); /* /proc/N/fd reads it */
		p->fds = own;
		spin_unlock_irqrestore(&tasks_lock, daif);
		fd_table_put(fds);
	}
	fd_table_exec(p->fds);
	posix_timers_end(p);
	signal_exec(p);
	sve_exec(t);
	clear_thread_pointer(t);
	t->clear_tid = t->robust_list = 0;
	t->restart.call = NULL;
	return 0;
}

static void set_names(struct task *t, struct program *p)
{
	const char *slash = strrchr(p->name, '/');
	struct file *old = t->process->exe;
	uint64_t daif;

	strlcpy(t->thread.name, slash ? slash + 1 : p->name, sizeof(t->thread.name));
	daif = spin_lock_irqsave(&tasks_lock); /* /proc/N/exe reads it */
	t->process->exe = p->file;
	spin_unlock_irqrestore(&tasks_lock, daif);
	p->file = old; /* the caller puts it */
	t->process->executed = true;
	t->process->exit_signal = SIGCHLD;
}

/* The current task becomes the program. An error before the exchange is the caller's, a later one
 * leaves nothing to go back to. */
static int become(struct program *p, struct trapframe *tf)
{
	struct task *t = task_current();
	uint64_t sp;
	int tid = t->tid, err = process_make_single();

	if (err)
		return err;
	use_space(p->space);
	p->space = NULL;
	if (leave_old_program(t) || elf_finish(&p->image) || elf_finish(&p->interpreter) ||
	    program_stack(p, &sp)) {
		signal_send_process(t->process, SIGKILL);
		return -ENOMEM;
	}
	set_names(t, p);
	memset(tf, 0, sizeof(*tf));
	thread_set_work(&t->thread, WORK_FRAME);
	tf->pc = p->image.interpreter[0] ? p->interpreter.entry : p->image.entry;
	tf->sp = sp;
	tf->syscall = -1;
	if (is_traced(t))
		trace_exec(tid);
	return 0;
}

/* Load and become what p->file and p->args say. */
static int exec(struct program *p, struct trapframe *tf)
{
	int err = resolve_script(p);

	if (!err)
		err = build(p);
	return err ? err : become(p, tf);
}

/* struct program is large for a stack of 8 KiB. */
static struct program *program_new(void)
{
	struct program *p = kzalloc(sizeof(*p));

	if (!p)
		return NULL;
	p->args.block = page_alloc(ARGS_ORDER);
	if (p->args.block)
		return p;
	kfree(p);
	return NULL;
}

static void program_free(struct program *p)
{
	if (p->space)
		space_put(p->space);
	if (p->file)
		file_put(p->file);
	page_free(p->args.block);
	kfree(p);
}

static int open_by_fd(int fd, struct file **out)
{
	struct file *f = fd_get_any(fd);
	int err;

	if (!f)
		return -EBADF;
	err = check_executable(f);
	if (err)
		file_put(f);
	else
		*out = f;
	return err;
}

/* Open the program and collect the strings; what is in p is the caller's even on an error. */
static int gather(struct program *p, int dirfd, uint64_t argv, uint64_t envp, bool empty_ok)
{
	int err = args_add_user(&p->args, argv, &p->args.argc);

	if (!err && !p->args.argc)
		err = args_prepend(&p->args, "");
	if (!err)
		err = args_add_user(&p->args, envp, &p->args.envc);
	if (err)
		return err;
	if (p->name[0])
		return open_program(dirfd, p->name, &p->file);
	return empty_ok ? open_by_fd(dirfd, &p->file) : -ENOENT;
}

static int execve(struct trapframe *tf, int dirfd, uint64_t path, uint64_t argv, uint64_t envp,
		  bool empty_ok)
{
	struct program *p = program_new();
	char *name;
	int err;

	if (!p)
		return -ENOMEM;
	err = path_from_user(path, &name);
	if (err)
		goto free_program;
	p->name = name;
	err = gather(p, dirfd, argv, envp, empty_ok);
	if (!err)
		err = exec(p, tf);
	path_free(name);
free_program:
	program_free(p);
	return err;
}

long sys_execve(struct trapframe *tf)
{
	return execve(tf, AT_FDCWD, tf->x[0], tf->x[1], tf->x[2], false);
}

long sys_execveat(struct trapframe *tf)
{
	if ((uint32_t)tf->x[4] & ~(uint32_t)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	return execve(tf, (int)tf->x[0], tf->x[1], tf->x[2], tf->x[3], tf->x[4] & AT_EMPTY_PATH);
}

/* ---- the first program ---- */

static struct program *first; /* from process_start_init() to its task's first turn */

/* Descriptors 0, 1 and 2 are the console. */
static int open_console(void)
{
	struct file *f;
	int err = path_open(AT_FDCWD, "/dev/console", O_RDWR, 0, &f);

	if (err)
		return err;
	for (int n = 0; n < 3 && err >= 0; n++)
		err = fd_install(file_get(f), false);
	file_put(f);
	return min(err, 0);
}

static void first_begin(void *arg)
{
	struct task *t = arg;
	struct trapframe *tf = thread_trapframe(&t->thread);
	struct program *p = first;
	int err = open_console();

	if (err)
		printk("exec: no console for the first program: error %d\n", -err);
	err = open_program(AT_FDCWD, p->name, &p->file);
	if (!err)
		err = exec(p, tf);
	kfree((void *)p->name);
	program_free(p);
	if (err) {
		printk("exec: the first program cannot start: error %d\n", -err);
		process_exit(127 << 8);
	}
	trap_return_to_user(tf);
}

static void set_rlimits(struct process *p)
{
	p->rlimits[RLIMIT_STACK][0] = STACK_SIZE;
	p->rlimits[RLIMIT_NOFILE][0] = FD_LIMIT_DEFAULT;
	p->rlimits[RLIMIT_NOFILE][1] = FD_MAX;
	p->rlimits[RLIMIT_CORE][0] = 0;
	/* As many as Linux would say: a thread for each 128 KiB of memory, and half of those. */
	for (int i = 0; i < 2; i++) {
		p->rlimits[RLIMIT_NPROC][i] = p->rlimits[RLIMIT_SIGPENDING][i] = page_total() / 64;
		p->rlimits[RLIMIT_NICE][i] = p->rlimits[RLIMIT_RTPRIO][i] = 0;
		p->rlimits[RLIMIT_MEMLOCK][i] = 8ul << 20;
		p->rlimits[RLIMIT_MSGQUEUE][i] = 819200;
	}
}

static int start_first(struct task *t)
{
	struct process *p = process_new();
	int err;

	if (!p)
		return -ENOMEM;
	p->fs = fs_state_create();
	p->fds = fd_table_create();
	p->space = space_create();
	if (!p->fs || !p->fds || !p->space)
		return -ENOMEM;
	set_rlimits(p);
	err = task_enter(t, p, NULL);
	if (err)
		return err;
	thread_start(&t->thread);
	return 0;
}

int process_start_init(const char *path, char *const argv[], char *const envp[])
{
	struct task *t = task_new("init", first_begin);
	int err;

	first = program_new();
	if (!t || !first)
		return -ENOMEM;
	first->name = kstrdup(path);
	err = first->name ? 0 : -ENOMEM;
	if (!err)
		err = args_add_kernel(&first->args, argv, &first->args.argc);
	if (!err)
		err = args_add_kernel(&first->args, envp, &first->args.envc);
	return err ? err : start_first(t);
}
