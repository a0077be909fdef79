/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a test that traces another task needs (ptrace(2)): its stops, its register sets, and SVE's
 * set made of an image. Answers are the kernel's own, -errno.
 */
#pragma once
#include <stddef.h>
#include <sys/types.h>
#include <linux/ptrace.h>
#include <asm/ptrace.h>
#include "tests/lib/sve.h"

#ifndef __WALL
#define __WALL 0x40000000
#endif

long tracer_ask(long request, pid_t pid, uint64_t addr, const void *data);
/* The next status of pid; -1: there is none to come. */
int tracer_status(pid_t pid);
/* As a status tells it: stopped by sig; of an event. */
int tracer_stopped(int sig, int event);
/* PTRACE_INTERRUPT, and wait until it has stopped. False: it has ended. */
bool tracer_interrupt(pid_t pid);

/* A register set of a stopped task. get: *size becomes what there is. */
long tracer_get(pid_t pid, int type, void *to, size_t *size);
long tracer_put(pid_t pid, int type, const void *from, size_t size);
struct user_pt_regs tracer_regs(pid_t pid);

/* NT_ARM_SVE. */
union sve_set {
	struct user_sve_header head;
	uint8_t bytes[SVE_PT_SIZE(SVE_MOST / 16, SVE_PT_REGS_SVE)];
};
/* The set whose registers are the image's; its bytes. */
size_t sve_set_fill(union sve_set *set, const struct sve_image *image, unsigned vl);
/* Read it; its bytes. */
size_t sve_set_get(pid_t pid, union sve_set *set);
