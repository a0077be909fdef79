/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A QEMU TCG plugin that counts executed instructions by class.
 *
 *	tools/stet-qemu --icount --plugin build/plugin/count.so[,region=NAME:START:END]... -- PROGRAM
 *
 * An instruction `movz xzr, #N, lsl #16`, which does nothing at every level, prints what was
 * executed since the last one as "mark N: insn 1234 isb 5 ..."; at the end of the run all counts of
 * the run are printed as "total: ...". A region also counts the instructions in [START, END).
 * Counts are sums over the CPUs and exact where QEMU runs them by turns, as --icount does.
 *
 * Debian packages no header of the plugin interface; what is used of it is declared here. Version
 * 1 (QEMU 7.2) adds to a counter of ours; from version 3 on (QEMU 9.1, 10) counters are the
 * interface's "scoreboards" and an opcode is copied out. Which one QEMU has is seen by the symbols
 * it exports. QEMU 10.0 with several CPUs run by turns computes a wrong address into a scoreboard
 * and crashes (it multiplies the CPU's number in place, once for each use), so with version 3 and
 * more than one CPU counting is done by calls, which takes longer.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT	   __attribute__((visibility("default")))
#define WEAK	   __attribute__((weak))
#define COUNTS_MAX 32
#define LINE_SIZE  1024

/* ---- the interface --------------------------------------------------------------------------- */

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_scoreboard;
struct qemu_info {
	const char *target_name;
	struct {
		int min, cur;
	} version;
	bool system_emulation;
	struct {
		int smp_vcpus, max_vcpus;
	} system;
};
struct scoreboard_entry {
	struct qemu_plugin_scoreboard *score;
	size_t offset;
};
enum { INLINE_ADD_U64 = 0, NO_REGS = 0 };

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id,
					   void (*)(plugin_id, struct qemu_plugin_tb *));
void qemu_plugin_register_atexit_cb(plugin_id, void (*)(plugin_id, void *), void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *,
					    void (*)(unsigned int, void *), int, void *);
void qemu_plugin_outs(const char *);
/* version 1: returns the bytes; version 3: copies them, returns how many */
uintptr_t qemu_plugin_insn_data(const struct qemu_plugin_insn *, void *, size_t);
/* version 1 only */
WEAK void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *, int, void *,
						     uint64_t);
/* version 2 and later */
WEAK struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(size_t);
WEAK void qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(struct qemu_plugin_insn *, int,
							      struct scoreboard_entry, uint64_t);
WEAK uint64_t qemu_plugin_u64_sum(struct scoreboard_entry);

EXPORT int qemu_plugin_version = 1;

/* QEMU reads the version after this has run. */
__attribute__((constructor)) static void choose_version(void)
{
	if (qemu_plugin_scoreboard_new)
		qemu_plugin_version = 3;
}

/* ---- counters -------------------------------------------------------------------------------- */

static struct count {
	const char *name;
	uint32_t mask, value; /* class: (opcode & mask) == value */
	uint64_t start, end;  /* region: of addresses */
	uint64_t at_mark, sum;
	struct scoreboard_entry entry;
} counts[COUNTS_MAX] = {
	{ .name = "insn" }, /* all; below it the first class that matches is counted */
	{ .name = "isb", .mask = 0xfffff0ff, .value = 0xd50330df },
	{ .name = "dsb", .mask = 0xfffff0ff, .value = 0xd503309f },
	{ .name = "tlbi", .mask = 0xfff8f000, .value = 0xd5088000 },
	{ .name = "msr", .mask = 0xfff00000, .value = 0xd5100000 },
	{ .name = "mrs", .mask = 0xfff00000, .value = 0xd5300000 },
	{ .name = "eret", .mask = 0xfffffbff, .value = 0xd69f03e0 },
	{ .name = "svc", .mask = 0xffe0001f, .value = 0xd4000001 },
	{ .name = "hvc", .mask = 0xffe0001f, .value = 0xd4000002 },
	{ .name = "vector", .mask = 0x0e000000, .value = 0x0c000000 }, /* loads and stores */
	{ .name = "ldst", .mask = 0x0e000000, .value = 0x08000000 },   /* of general registers */
};
static int classes = 11, used = 11; /* regions follow the classes */

static enum { INLINE, SCOREBOARD, CALL } method;

static uint64_t count_value(const struct count *c)
{
	return method == SCOREBOARD ? qemu_plugin_u64_sum(c->entry) : c->sum;
}

static void on_insn(unsigned int cpu, void *sum)
{
	(void)cpu;
	__atomic_fetch_add((uint64_t *)sum, 1, __ATOMIC_RELAXED);
}

static void count_insn(struct count *c, struct qemu_plugin_insn *insn)
{
	switch (method) {
	case INLINE:
		qemu_plugin_register_vcpu_insn_exec_inline(insn, INLINE_ADD_U64, &c->sum, 1);
		break;
	case SCOREBOARD:
		qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn, INLINE_ADD_U64, c->entry,
								    1);
		break;
	case CALL:
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_insn, NO_REGS, &c->sum);
		break;
	}
}

/* One line of all counts, since the last mark or since the start. */
static void print_counts(const char *title, bool since_mark)
{
	char line[LINE_SIZE];
	int n = snprintf(line, sizeof(line), "%s:", title);

	for (int k = 0; k < used && n < LINE_SIZE - 64; k++) {
		struct count *c = &counts[k];
		uint64_t value = count_value(c);

		n += snprintf(line + n, sizeof(line) - (size_t)n, " %s %" PRIu64, c->name,
			      since_mark ? value - c->at_mark : value);
		if (since_mark)
			c->at_mark = value;
	}
	snprintf(line + n, sizeof(line) - (size_t)n, "\n");
	qemu_plugin_outs(line);
}

static void on_mark(unsigned int cpu, void *number)
{
	char title[32];

	(void)cpu;
	snprintf(title, sizeof(title), "mark %" PRIuPTR, (uintptr_t)number);
	print_counts(title, true);
}

static void on_exit_print(plugin_id id, void *data)
{
	(void)id, (void)data;
	print_counts("total", false);
}

/* ---- translation ----------------------------------------------------------------------------- */

static uint32_t opcode(const struct qemu_plugin_insn *insn)
{
	uint32_t op = 0;
	uintptr_t data = qemu_plugin_insn_data(insn, &op, sizeof(op));

	if (qemu_plugin_version == 1)
		memcpy(&op, (const void *)data, sizeof(op));
	return op;
}

static void translate_insn(struct qemu_plugin_insn *insn)
{
	uint64_t address = qemu_plugin_insn_vaddr(insn);
	uint32_t op = opcode(insn);

	count_insn(&counts[0], insn);
	for (int k = 1; k < classes; k++) {
		if ((op & counts[k].mask) == counts[k].value) {
			count_insn(&counts[k], insn);
			break;
		}
	}
	for (int k = classes; k < used; k++)
		if (address >= counts[k].start && address < counts[k].end)
			count_insn(&counts[k], insn);
	if ((op & 0xffe0001f) == 0xd2a0001f) /* movz xzr, #n, lsl #16 */
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark, NO_REGS,
						       (void *)(uintptr_t)(op >> 5 & 0xffff));
}

static void translate(plugin_id id, struct qemu_plugin_tb *tb)
{
	(void)id;
	for (size_t k = 0, n = qemu_plugin_tb_n_insns(tb); k < n; k++)
		translate_insn(qemu_plugin_tb_get_insn(tb, k));
}

/* "region=NAME:START:END". False if it is anything else. */
static bool add_region(const char *text)
{
	struct count *c = &counts[used];
	char name[64];

	if (used == COUNTS_MAX ||
	    sscanf(text, "region=%63[^:]:%" SCNx64 ":%" SCNx64, name, &c->start, &c->end) != 3)
		return false;
	c->name = strdup(name);
	used++;
	return c->name;
}

EXPORT int qemu_plugin_install(plugin_id id, const struct qemu_info *info, int argc,
			       char **argv)
{
	if (qemu_plugin_version > 1)
		method = info->system.smp_vcpus > 1 ? CALL : SCOREBOARD;
	for (int k = 0; k < argc; k++) {
		if (!add_region(argv[k])) {
			fprintf(stderr, "count: '%s' is not region=NAME:START:END\n", argv[k]);
			return -1;
		}
	}
	for (int k = 0; k < used && method == SCOREBOARD; k++)
		counts[k].entry.score = qemu_plugin_scoreboard_new(sizeof(uint64_t));
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
	qemu_plugin_register_atexit_cb(id, on_exit_print, NULL);
	return 0;
}
