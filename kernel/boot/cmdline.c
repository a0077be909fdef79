/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's command line (pure). Linux's rules: words apart by spaces, "…" keeps spaces, what
 * the kernel does not know and has a '=' but no '.' before it goes into the first program's
 * environment, what follows "--" are its arguments.
 */
#include "boot/cmdline.h"

#include "lib/string.h"

/* Cut the next word out of *at, ended by NUL and without quotes; NULL at the end. */
static char *next_word(char **at)
{
	char *from = *at, *word, *to;
	bool quoted = false;

	while (*from == ' ' || *from == '\t' || *from == '\n')
		from++;
	if (!*from)
		return NULL;
	word = to = from;
	for (; *from && (quoted || (*from != ' ' && *from != '\t' && *from != '\n')); from++) {
		if (*from == '"')
			quoted = !quoted;
		else
			*to++ = *from;
	}
	*at = *from ? from + 1 : from;
	*to = '\0';
	return word;
}

static void take_word(struct cmdline *c, char *word)
{
	char *equals = strchr(word, '='), *dot = strchr(word, '.');

	if (!strncmp(word, "init=", 5)) {
		c->init = word + 5;
	} else if (!strncmp(word, "log.tag=", 8)) {
		c->log_tag = word + 8;
	} else if (!strncmp(word, "test.crash=", 11)) {
		c->crash = word + 11;
	} else if (!strncmp(word, "test.id_bits=", 13)) {
		c->id_bits = (unsigned)strtou64(word + 13, NULL, 10);
	} else if (!strncmp(word, "fp_policy=", 10)) {
		c->fp_policy = word + 10;
	} else if (!strncmp(word, "fp_costs=", 9)) {
		c->fp_costs = word + 9;
	} else if (!strcmp(word, "tty.mode=raw")) {
		c->tty_raw = true;
	} else if (!strcmp(word, "trace.syscalls=1")) {
		c->trace = true;
	} else if (!strcmp(word, "test.neon=1")) {
		c->neon = true;
	} else if (!strcmp(word, "bench.kthread=1")) {
		c->metronome = true;
	} else if (!strcmp(word, "quiet")) {
		c->quiet = true;
	} else if (equals && !(dot && dot < equals)) {
		if (c->env_count < CMDLINE_ARGS)
			c->env[c->env_count++] = word;
		else
			c->dropped++;
	}
}

void cmdline_parse(struct cmdline *c, const char *text)
{
	bool args = false;
	char *at, *word;

	memset(c, 0, sizeof(*c));
	c->arg_count = 1;
	if (strlcpy(c->text, text ? text : "", sizeof(c->text)) >= sizeof(c->text))
		c->dropped++;
	at = c->text;
	while ((word = next_word(&at))) {
		if (args && c->arg_count < CMDLINE_ARGS)
			c->args[c->arg_count++] = word;
		else if (args)
			c->dropped++;
		else if (!strcmp(word, "--"))
			args = true;
		else
			take_word(c, word);
	}
}
