/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A QEMU TCG plugin that counts executed instructions by class.
 *
 *	tools/stet-qemu --icount --plugin build/plugin/count.so[,OPTION]... -- PROGRAM
 *
 *	region=NAME:START:END		count the instructions in [START, END) as NAME
 *	guest=START:END:VECTORS:LAST	count what a guest executes as "guest": it is entered by an
 *ERET in [START, END), left by whatever is executed in [VECTORS, LAST); on a machine with one CPU
 *
 * An instruction `movz xzr, #N, lsl #16`, which does nothing at every level, prints what was
 * executed since the last one as "mark N: insn 1234 isb 5 ..."; at the end of the run all counts of
 * the run are printed as "total: ...". "zeroing" is what translation blocks with a DC ZVA execute;
 * "vbytes" are the bytes that vector loads and stores move (SVE's are not among them). Counts are
 *sums over the CPUs and exact where QEMU runs them by turns, as --icount does.
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

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, struct qemu_plugin_tb *));
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
	{ .name = "zeroing" },
	{ .name = "vbytes" },
	{ .name = "guest" },
};
enum { INSN, CLASSES = 11, VECTOR = 9, ZEROING = CLASSES, VBYTES, GUEST, REGIONS };
static int used = REGIONS;

/* guest=: where it is entered and left, and the count of instructions when it was entered last. */
static struct {
	uint64_t start, end, vectors, last, since;
	bool wanted, inside;
} guest;

static enum { INLINE, SCOREBOARD, CALL } method;

static uint64_t count_value(const struct count *c)
{
	return method == SCOREBOARD && c != &counts[GUEST] ? qemu_plugin_u64_sum(c->entry) : c->sum;
}

/* Where an inline addition cannot be had: the low bits say which count, the others how much. */
static void on_insn(unsigned int cpu, void *data)
{
	uintptr_t what = (uintptr_t)data;

	(void)cpu;
	__atomic_fetch_add(&counts[what % COUNTS_MAX].sum, what / COUNTS_MAX, __ATOMIC_RELAXED);
}

/* Add `weight` to count k whenever the instruction is executed. */
static void count_insn(int k, struct qemu_plugin_insn *insn, uint64_t weight)
{
	struct count *c = &counts[k];

	switch (method) {
	case INLINE:
		qemu_plugin_register_vcpu_insn_exec_inline(insn, INLINE_ADD_U64, &c->sum, weight);
		break;
	case SCOREBOARD:
		qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn, INLINE_ADD_U64, c->entry,
								    weight);
		break;
	case CALL:
		qemu_plugin_register_vcpu_insn_exec_cb(
			insn, on_insn, NO_REGS,
			(void *)(uintptr_t)(weight * COUNTS_MAX + (uint64_t)k));
		break;
	}
}

static void on_guest_enter(unsigned int cpu, void *data)
{
	(void)cpu, (void)data;
	guest.since = count_value(&counts[INSN]);
	guest.inside = true;
}

static void on_guest_leave(unsigned int cpu, void *data)
{
	(void)cpu, (void)data;
	if (guest.inside)
		counts[GUEST].sum += count_value(&counts[INSN]) - guest.since;
	guest.inside = false;
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

/* Bytes moved by a load or store of vector registers (Arm ARM, C4.1, "Loads and Stores"). */
static uint64_t vector_bytes(uint32_t op)
{
	uint32_t size = op >> 30;
	bool quad = op & 1u << 30;

	switch (op >> 27 & 7) {
	case 5: /* LDP, STP and kin */
		return 2u * (4u << (size & 3));
	case 1: /* LD1, ST1 of 1 to 4 registers; other structures count as four */
		switch (op >> 12 & 15) {
		case 7:
			return quad ? 16 : 8;
		case 10:
			return quad ? 32 : 16;
		case 6:
			return quad ? 48 : 24;
		}
		return quad ? 64 : 32;
	default: /* LDR, STR; bit 23 of the immediate forms makes size 0 a Q register */
		return op & 1u << 23 ? 16 : 1u << size;
	}
}

static void translate_class(struct qemu_plugin_insn *insn, uint32_t op)
{
	for (int k = 1; k < CLASSES; k++) {
		if ((op & counts[k].mask) != counts[k].value)
			continue;
		count_insn(k, insn, 1);
		if (k == VECTOR)
			count_insn(VBYTES, insn, vector_bytes(op));
		return;
	}
}

static void translate_guest(struct qemu_plugin_insn *insn, uint32_t op, uint64_t address)
{
	if (op == 0xd69f03e0 && address >= guest.start && address < guest.end)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_guest_enter, NO_REGS, NULL);
	if (address >= guest.vectors && address < guest.last)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_guest_leave, NO_REGS, NULL);
}

static void translate_insn(struct qemu_plugin_insn *insn, bool zeroing)
{
	uint64_t address = qemu_plugin_insn_vaddr(insn);
	uint32_t op = opcode(insn);

	if (guest.wanted)
		translate_guest(insn, op, address);
	count_insn(INSN, insn, 1);
	translate_class(insn, op);
	if (zeroing)
		count_insn(ZEROING, insn, 1);
	for (int k = REGIONS; k < used; k++)
		if (address >= counts[k].start && address < counts[k].end)
			count_insn(k, insn, 1);
	if ((op & 0xffe0001f) == 0xd2a0001f) /* movz xzr, #n, lsl #16 */
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark, NO_REGS,
						       (void *)(uintptr_t)(op >> 5 & 0xffff));
}

static void translate(plugin_id id, struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb);
	bool zeroing = false;

	(void)id;
	for (size_t k = 0; k < n; k++)
		zeroing |=
			(opcode(qemu_plugin_tb_get_insn(tb, k)) & ~31u) == 0xd50b7420; /* DC ZVA */
	for (size_t k = 0; k < n; k++)
		translate_insn(qemu_plugin_tb_get_insn(tb, k), zeroing);
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

/* "guest=START:END:VECTORS:LAST". */
static bool add_guest(const char *text)
{
	guest.wanted = sscanf(text, "guest=%" SCNx64 ":%" SCNx64 ":%" SCNx64 ":%" SCNx64,
			      &guest.start, &guest.end, &guest.vectors, &guest.last) == 4;
	return guest.wanted;
}

EXPORT int qemu_plugin_install(plugin_id id, const struct qemu_info *info, int argc, char **argv)
{
	if (qemu_plugin_version > 1)
		method = info->system.smp_vcpus > 1 ? CALL : SCOREBOARD;
	for (int k = 0; k < argc; k++) {
		if (!add_region(argv[k]) && !add_guest(argv[k])) {
			fprintf(stderr, "count: '%s' is no option\n", argv[k]);
			return -1;
		}
	}
	if (guest.wanted && info->system.smp_vcpus > 1) {
		fprintf(stderr, "count: guest= is for a machine with one CPU\n");
		return -1;
	}
	for (int k = 0; k < used && method == SCOREBOARD; k++)
		counts[k].entry.score = qemu_plugin_scoreboard_new(sizeof(uint64_t));
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
	qemu_plugin_register_atexit_cb(id, on_exit_print, NULL);
	return 0;
}
