/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "vmstat.h"

/* `stet stat [GUEST] [option]...`, after the command's name. Returns the exit status. */
int stat_command(int argc, char **argv);
/* `stet top [option]...` (top.c). */
int top_command(int argc, char **argv);

/* A VM that is watched. */
struct watched {
	unsigned number;
	int fd;
	char name[64];
	bool ended;
	struct vm_stat now, before; /* before: when the interval began */
};
#define WATCHED_MAX 64
struct watched_set {
	struct watched *vms[WATCHED_MAX]; /* by number */
	unsigned count, last;		  /* last: the greatest number looked at */
};

/* Watch VMs that are new since the last call: those of a process, or all (pid 0). */
void watched_find(struct watched_set *set, int pid);
/* Read all of them anew; those that have gone are marked. */
void watched_read(struct watched_set *set);
/* Forget those that have ended. */
void watched_drop(struct watched_set *set);
/* Dies unless this host has /proc/stet/vm. */
void watched_need_stet(void);
/* A number of seconds of an option, at least a hundredth. */
double parse_seconds(const char *option, const char *text);
