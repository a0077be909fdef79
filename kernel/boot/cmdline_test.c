/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's command line, word by word. */
#include "boot/cmdline.h"

#include <string.h>

#include "tests/tap.h"

static struct cmdline c;

TEST(empty_and_null)
{
	cmdline_parse(&c, NULL);
	expect(!c.init && c.arg_count == 1 && !c.env_count);
	cmdline_parse(&c, "   ");
	expect(!c.init && c.arg_count == 1);
}

TEST(words_and_arguments)
{
	cmdline_parse(&c, "init=/bin/stet log.tag=abc quiet HOME=/x kvm.mode=y -- run --cpus 2");
	expect(!strcmp(c.init, "/bin/stet"));
	expect(!strcmp(c.log_tag, "abc"));
	expect(c.quiet && !c.tty_raw);
	expect(c.env_count == 1 && !strcmp(c.env[0], "HOME=/x"));
	expect(c.arg_count == 4 && !strcmp(c.args[1], "run") && !strcmp(c.args[3], "2"));
	expect(!c.dropped);
}

TEST(the_console_may_be_raw)
{
	cmdline_parse(&c, "tty.mode=raw");
	expect(c.tty_raw && !c.env_count);
	cmdline_parse(&c, "tty.mode=cooked");
	expect(!c.tty_raw && !c.env_count);
}

TEST(system_calls_may_be_traced)
{
	cmdline_parse(&c, "trace.syscalls=1");
	expect(c.trace && !c.env_count);
	cmdline_parse(&c, "trace.syscalls=0");
	expect(!c.trace && !c.env_count);
}

TEST(policy_and_costs_of_the_vector_bank)
{
	cmdline_parse(&c, "fp_policy=strict fp_costs=1,2,3 -- fp_policy=x");
	expect(!strcmp(c.fp_policy, "strict") && !strcmp(c.fp_costs, "1,2,3"));
	expect(!c.env_count && c.arg_count == 2);
	cmdline_parse(&c, "quiet");
	expect(!c.fp_policy && !c.fp_costs);
}

TEST(the_kernel_may_be_told_to_use_vector_registers)
{
	cmdline_parse(&c, "test.neon=1");
	expect(c.neon && !c.env_count);
	cmdline_parse(&c, "test.neon=2");
	expect(!c.neon && !c.env_count);
}

TEST(quotes_keep_spaces)
{
	cmdline_parse(&c, "A=\"b c\" -- --cmdline \"x y=z\" \"\"");
	expect(!strcmp(c.env[0], "A=b c"));
	expect(c.arg_count == 4);
	expect(!strcmp(c.args[2], "x y=z"));
	expect(!strcmp(c.args[3], ""));
}

TEST(too_many_are_counted)
{
	char text[1024] = "--";

	for (int n = 0; n < 70; n++)
		strcat(text, " a");
	cmdline_parse(&c, text);
	expect(c.arg_count == CMDLINE_ARGS);
	expect(c.dropped == 7);
}
