/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks that are traced (man 2 ptrace), as the rest of linux/ meets them: where a task may stop for
 * its tracer. What tracers ask is ptrace.c's. All is covered by tasks_lock.
 */
#pragma once

#include <linux/ptrace.h>

#include "linux/process/process.h"

enum trace_state {
	TRACE_RUNNING,
	TRACE_STOPPED,	 /* waits for its tracer */
	TRACE_LISTENING, /* the same in a group stop, and what happens to that makes it stop anew */
	TRACE_HELD,	 /* stopped, and its tracer is at work: not even SIGKILL lets it go */
	TRACE_LEFT,	 /* the first task has ended, others of its process have not */
	TRACE_ENDED,	 /* its end can be waited for */
};

enum trace_go { TRACE_CONT, TRACE_SYSCALL, TRACE_STEP };

/* Made at the first attach, kept until the task ends and, if it is traced then, waited for. */
struct trace {
	struct task *task;   /* NULL: it has ended */
	struct task *tracer; /* NULL: nobody traces it now */
	struct list link;    /* tracer->tracees */
	int tid, pgid;
	uint32_t uid;
	uint32_t state; /* enum trace_state */
	uint8_t go;	/* enum trace_go: how it was last let go */
	bool seized, exit_told;
	bool in_call; /* stopped inside a system call */
	uint8_t trap; /* TRAP_*: stops that are due */
	bool report;  /* the tracer has not waited for this stop yet */
	bool has_info;
	unsigned stop_seen; /* process->stop_count of the group stop it has told */
	uint32_t options;   /* PTRACE_O_* */
	int code;	    /* of the stop: signal | event << 8; of the end: as wait4() has it */
	int signal;	    /* to go on with */
	uint64_t message;   /* PTRACE_GETEVENTMSG */
	uint64_t tls;	    /* TPIDR_EL0 while it is stopped */
	siginfo_t info;
	struct wait_queue wait; /* the task, while it is stopped */
};

#define TRAP_STOP   1 /* PTRACE_INTERRUPT, or it was born traced */
#define TRAP_NOTIFY 2 /* its process goes on from a group stop */

/* May the current task look into p, trace it, write its memory? */
bool trace_may(const struct process *p);
/* tracer begins to trace t. new: memory for it, taken if t has none yet (*new is NULL then).
 * HOLDS(tasks_lock) */
void trace_begin(struct task *t, struct task *tracer, struct trace **new, bool seized,
		 uint32_t options);
struct trace *trace_new(void); /* NULL: no memory */
/* How it is to go on. In its stop. HOLDS(tasks_lock), or the task itself. */
void trace_set_go(struct trace *tr, enum trace_go go);
/* It goes on, from a stop, untraced or not. HOLDS(tasks_lock) */
void trace_resume(struct trace *tr, enum trace_go go, int sig);
/* Nobody traces it any more. HOLDS(tasks_lock) */
void trace_end(struct trace *tr);

static inline bool is_traced(const struct task *t)
{
	return __builtin_expect(t->trace != NULL, 0) && t->trace->tracer;
}
bool process_is_traced(const struct process *p); /* any task of it. HOLDS(tasks_lock) */

/* ---- stops of the current task, which is_traced() ---- */

/* A signal was taken: the one to act on, 0: none. info is then that one's. */
int trace_signal(siginfo_t *info);
/* Group stops and interruptions that are due. False: it is not traced any more. */
bool trace_obey(struct task *t);
/* An event of the options; nothing if the tracer did not ask for it. */
void trace_event(int event, uint64_t message);
/* The task has become another program; before, its number was tid. */
void trace_exec(int tid);
/* On the way out of a system call (WORK_TRACE). */
void trace_leave_call(void);
/* clone(): the child, which has its number and has not started, is traced as well if the tracer
 * wants it. Memory for that is made beforehand by trace_clone_prepare(): *new may stay NULL;
 * -ENOMEM. Returns the event that trace_event() is to tell, or 0. */
int trace_clone_prepare(uint64_t flags, int exit_signal, struct trace **new);
int trace_clone(struct task *child, uint64_t flags, int exit_signal, struct trace **new);

/* ---- the end ---- */

/* The current task ends: those it traces are let go. */
void trace_tracer_ends(struct task *t);
/* HOLDS(tasks_lock): t, which has a trace, leaves its process; status: as wait4() has it. The one
 * to tell (counted), or NULL; *dead: to be freed. */
struct process *trace_task_leaves(struct task *t, int status, struct trace **dead);
/* A process has ended whose first task is traced. */
void trace_process_end(struct process *p);
/* Another task takes its number by execve(): its end is not told. To be freed. HOLDS(tasks_lock) */
struct trace *trace_forget_first(struct process *p);
/* Tell a tracer (SIGCHLD with this code, wait4()); gives the reference back. */
void trace_tell(struct process *tracer, int tid, uint32_t uid, int code, int status);
/* Tell a tracer of an end; gives the reference back. */
void trace_tell_end(struct process *tracer, const struct process *p, int tid, int status);
/* The process goes on from a group stop. HOLDS(tasks_lock) */
void trace_continued(struct process *p);
/* Single steps (DDI 0487 D2.12): live from the way to EL0 on, masked, until the next entry. */
void trace_step_arm(void);
void trace_step_disarm(void);
