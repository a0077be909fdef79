/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's command line: NAME=VALUE words, then after "--" the first program's arguments. */
#pragma once

#include "lib/types.h"

#define CMDLINE_ARGS 64

struct cmdline {
	char text[2048];
	char *init;	  /* init=PATH, or NULL */
	char *log_tag;	  /* log.tag=WORD, or NULL */
	char *crash;	  /* test.crash=HOW, or NULL: boot/selftest.c */
	unsigned id_bits; /* test.id_bits=N: ASIDs and VMIDs of N bits; 0: as many as there are */
	char *fp_policy;  /* fp_policy=NAME, fp_costs=TRAP,SAVE,LOAD, or NULL: bank/fp_policy.h */
	char *fp_costs;
	bool quiet;
	bool metronome;		      /* bench.kthread=1: sched/metronome.h */
	bool neon;		      /* test.neon=1: bank/fp_kernel.h */
	bool trace;		      /* trace.syscalls=1: linux/trace.c */
	bool tty_raw;		      /* tty.mode=raw: the console passes bytes through */
	char *args[CMDLINE_ARGS + 1]; /* after "--"; args[0] is left for the program's name */
	unsigned arg_count;
	char *env[CMDLINE_ARGS +
		  1]; /* NAME=VALUE words that are none of the kernel's, for the program */
	unsigned env_count;
	unsigned dropped; /* words for which there was no room */
};

/* Split text (NULL: empty). Words may be quoted with "…". */
void cmdline_parse(struct cmdline *c, const char *text);
