/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A QEMU TCG plugin that measures how long Stet masks interrupts, in instructions; tools/masked
 *runs it and gives names to what it prints.
 *
 *	tools/stet-qemu --plugin build/plugin/masked.so,symbols=FILE,text=FILE -- PROGRAM
 *
 * symbols: lines "ADDRESS NAME" of the kernel's text, in order (nm -n). text: its bytes, from the
 * first of these addresses on; a guest's code at the same addresses is told apart by them.
 *
 * A stretch begins with DAIFSet or an exception taken to EL2 and ends with DAIFClr, an ERET or a
 *write to DAIF; and where the kernel, masked, waits in WFI or acknowledges an interrupt
 *(ICC_IAR1_EL1), one ends and the next begins. What a write to DAIF restores cannot be seen by a
 *plugin: it keeps what each function found when it read DAIF, and the function that gives back is
 *the one that read (or irq.h's and spinlock.h's, out of line). Threads are switched only where
 *interrupts were enabled (sched/thread.h), so a switch forgets what was read before it. A CPU that
 *comes up (DAIFSet of all four bits, boot/head.S) is left out until its first DAIFClr.
 *
 * At the end, for each pair of addresses where stretches began and ended, one line:
 *
 *	masked MOST waited W times N from ADDRESS to ADDRESS in FUNCTION
 *
 * MOST instructions without those that wait for a lock, how many these were in that stretch, and
 *the function that executed most of it.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT	   __attribute__((visibility("default")))
#define CPUS_MAX   8
#define SAVES_MAX  64
#define PATHS_MAX  4096
#define EXCEPTION  UINT32_MAX /* in the place of a function */
#define ANYBODY	   (UINT32_MAX - 1)
#define INSN_BYTES 4u

/* ---- the interface; see count.c ---------------------------------------------------------------
 */

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info;
enum { NO_REGS = 0 };

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, struct qemu_plugin_tb *));
void qemu_plugin_register_atexit_cb(plugin_id, void (*)(plugin_id, void *), void *);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, void (*)(unsigned int, void *),
					  int, void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *,
					    void (*)(unsigned int, void *), int, void *);
void qemu_plugin_outs(const char *);
uintptr_t qemu_plugin_insn_data(const struct qemu_plugin_insn *, void *, size_t);
__attribute__((weak)) void *qemu_plugin_scoreboard_new(size_t); /* version 3 has it */

EXPORT int qemu_plugin_version = 1;

__attribute__((constructor)) static void choose_version(void)
{
	if (qemu_plugin_scoreboard_new)
		qemu_plugin_version = 3;
}

/* ---- the kernel's text ------------------------------------------------------------------------
 */

struct symbol {
	uint64_t address;
	char *name;
};
static struct symbol *symbols;
static uint32_t symbol_count;
static uint32_t *text;
static uint64_t text_start, text_end;

static void out_of_memory(void)
{
	fprintf(stderr, "masked: no memory\n");
	exit(1);
}

static bool read_symbols(const char *file)
{
	FILE *in = fopen(file, "r");
	uint64_t address;
	char name[256];

	if (!in)
		return false;
	while (fscanf(in, "%" SCNx64 " %255s", &address, name) == 2) {
		symbols = realloc(symbols, (symbol_count + 1) * sizeof(*symbols));
		if (!symbols)
			out_of_memory();
		symbols[symbol_count++] = (struct symbol){ address, strdup(name) };
	}
	fclose(in);
	text_start = symbol_count ? symbols[0].address : 0;
	return symbol_count;
}

static bool read_text(const char *file)
{
	FILE *in = fopen(file, "rb");
	long size;

	if (!in || fseek(in, 0, SEEK_END) || (size = ftell(in)) <= 0)
		return false;
	rewind(in);
	text = malloc((size_t)size);
	if (!text)
		out_of_memory();
	text_end = text_start + (uint64_t)size;
	size -= (long)fread(text, 1, (size_t)size, in);
	fclose(in);
	return size == 0;
}

/* The number of the symbol that this address belongs to. */
static uint32_t symbol_of(uint64_t address)
{
	uint32_t low = 0, high = symbol_count;

	while (high - low > 1) {
		uint32_t middle = (low + high) / 2;

		if (symbols[middle].address <= address)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static bool is_in(uint64_t address, const char *name)
{
	return !strcmp(symbols[symbol_of(address)].name, name);
}

static uint64_t address_of(const char *name)
{
	for (uint32_t i = 0; i < symbol_count; i++)
		if (!strcmp(symbols[i].name, name))
			return symbols[i].address;
	fprintf(stderr, "masked: the kernel has no %s\n", name);
	exit(1);
}

/* ---- what each CPU does -----------------------------------------------------------------------
 */

/* What is to be given back, the last one last. */
struct saves {
	unsigned depth;
	struct {
		uint32_t function;
		bool masked;
	} list[SAVES_MAX];
};

static struct cpu {
	uint64_t executed, waited; /* instructions of the kernel; those that wait for a lock */
	uint64_t began, began_waited, from; /* the stretch */
	bool masked, starting, in_guest, waiting;
	struct saves now;
	uint64_t stretches; /* the number of this one */
	struct {
		uint64_t stretch, executed; /* in that stretch */
	} * functions;			    /* by symbol */
} cpus[CPUS_MAX];

static struct path {
	uint64_t from, to, most, waited, times;
	uint32_t function; /* that had most of it */
} paths[PATHS_MAX];	   /* lock */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct path *path_find(uint64_t from, uint64_t to)
{
	size_t i = (from * 31 + to) / INSN_BYTES % PATHS_MAX;

	for (size_t n = 0; n < PATHS_MAX; n++, i = (i + 1) % PATHS_MAX) {
		struct path *p = &paths[i];

		if (!p->times)
			*p = (struct path){ .from = from, .to = to };
		if (p->from == from && p->to == to)
			return p;
	}
	out_of_memory();
	return NULL;
}

/* Which one executed most of the stretch. */
static uint32_t longest_function(const struct cpu *cpu)
{
	uint32_t longest = 0;
	uint64_t most = 0;

	for (uint32_t i = 0; i < symbol_count; i++) {
		if (cpu->functions[i].stretch == cpu->stretches &&
		    cpu->functions[i].executed > most) {
			most = cpu->functions[i].executed;
			longest = i;
		}
	}
	return longest;
}

static void stretch_ends(struct cpu *cpu, uint64_t at, uint64_t to)
{
	uint64_t waited = cpu->waited - cpu->began_waited, length = at - cpu->began - waited;
	struct path *p;

	if (!cpu->starting) {
		pthread_mutex_lock(&lock);
		p = path_find(cpu->from, to);
		p->times++;
		if (length > p->most) {
			p->most = length;
			p->waited = waited;
			p->function = longest_function(cpu);
		}
		pthread_mutex_unlock(&lock);
	}
	cpu->starting = false;
	cpu->masked = false;
}

static void stretch_begins(struct cpu *cpu, uint64_t at, uint64_t from)
{
	if (cpu->masked)
		return;
	cpu->masked = true;
	cpu->stretches++;
	cpu->began = at;
	cpu->began_waited = cpu->waited;
	cpu->from = from;
}

static void set_masked(struct cpu *cpu, bool masked, uint64_t at, uint64_t pc)
{
	if (masked)
		stretch_begins(cpu, at, pc);
	else if (cpu->masked)
		stretch_ends(cpu, at, pc);
}

static void save(struct cpu *cpu, uint32_t function)
{
	struct saves *s = &cpu->now;

	if (s->depth == SAVES_MAX) { /* those at the bottom were never given back */
		s->depth--;
		memmove(&s->list[0], &s->list[1], sizeof(s->list) - sizeof(s->list[0]));
	}
	s->list[s->depth].function = function;
	s->list[s->depth++].masked = cpu->masked;
}

/* What the function (or exception) found; what was saved later is forgotten. Not found: the thread
 * was switched away meanwhile, so interrupts were enabled. */
static bool restored(struct cpu *cpu, uint32_t function)
{
	struct saves *s = &cpu->now;

	for (unsigned i = s->depth; i-- > 0;) {
		if ((s->list[i].function == EXCEPTION) != (function == EXCEPTION)) {
			if (function == EXCEPTION)
				continue;
			break;
		}
		if (s->list[i].function == function || s->list[i].function == ANYBODY ||
		    function == ANYBODY) {
			s->depth = i;
			return s->list[i].masked;
		}
	}
	return false;
}

/* ---- instructions that matter -----------------------------------------------------------------
 */

enum kind {
	MASK,
	MASK_ALL, /* a CPU that comes up */
	UNMASK,
	SAVE,
	RESTORE,
	LEAVE_TO_GUEST,
	LEAVE_TO_EL0,
	LEAVE_EXCEPTION,
	ENTER_LOWER, /* a vector's first instruction: from EL0 or the guest */
	ENTER_EL2,
	SWITCH,
	ANSWER, /* WFI, or ICC_IAR1_EL1 is read: whatever is pending is seen here */
	WAIT,	/* for a lock */
	WAIT_ENDS,
	NOTHING,
};

struct site {
	enum kind kind;
	uint64_t pc;
	uint32_t function;
	uint64_t left; /* instructions of its translation block from here on */
};

static void enter_lower(struct cpu *cpu, const struct site *s, uint64_t at)
{
	if (!cpu->in_guest)
		cpu->now.depth = 0; /* the kernel's stack is empty */
	cpu->in_guest = false;
	set_masked(cpu, true, at, s->pc);
}

static void on_site(unsigned int index, void *data)
{
	struct cpu *cpu = &cpus[index % CPUS_MAX];
	const struct site *s = data;
	uint64_t at = cpu->executed - s->left;

	if (cpu->in_guest && s->kind != ENTER_LOWER)
		return;
	switch (s->kind) {
	case MASK_ALL:
		cpu->masked = false;
		cpu->starting = true;
		cpu->now.depth = 0;
		__attribute__((fallthrough));
	case MASK:
		set_masked(cpu, true, at, s->pc);
		break;
	case UNMASK:
		set_masked(cpu, false, at, s->pc);
		break;
	case SAVE:
		save(cpu, s->function);
		break;
	case RESTORE:
		set_masked(cpu, restored(cpu, s->function), at, s->pc);
		break;
	case LEAVE_TO_GUEST:
		cpu->in_guest = true;
		__attribute__((fallthrough));
	case LEAVE_TO_EL0:
		set_masked(cpu, false, at, s->pc);
		break;
	case LEAVE_EXCEPTION:
		set_masked(cpu, restored(cpu, EXCEPTION), at, s->pc);
		break;
	case ENTER_LOWER:
		enter_lower(cpu, s, at);
		break;
	case ENTER_EL2:
		save(cpu, EXCEPTION);
		set_masked(cpu, true, at, s->pc);
		break;
	case SWITCH:
		cpu->now.depth = 0;
		break;
	case ANSWER:
		if (cpu->masked) {
			set_masked(cpu, false, at, s->pc);
			set_masked(cpu, true, at, s->pc);
		}
		break;
	case WAIT:
	case WAIT_ENDS:
		cpu->waiting = s->kind == WAIT;
		break;
	case NOTHING:
		break;
	}
}

struct block {
	uint64_t insns;
	uint32_t function;
};

static void on_block(unsigned int index, void *data)
{
	struct cpu *cpu = &cpus[index % CPUS_MAX];
	const struct block *b = data;

	if (cpu->in_guest)
		return;
	cpu->executed += b->insns;
	if (cpu->waiting) {
		cpu->waited += b->insns;
		return;
	}
	if (cpu->functions[b->function].stretch != cpu->stretches) {
		cpu->functions[b->function].stretch = cpu->stretches;
		cpu->functions[b->function].executed = 0;
	}
	cpu->functions[b->function].executed += b->insns;
}

/* ---- translation ------------------------------------------------------------------------------
 */

static uint64_t host_vectors, guest_vectors;

static enum kind vector_kind(uint64_t offset)
{
	if (offset % 0x80 || offset >= 0x800)
		return NOTHING;
	return offset >= 0x400 ? ENTER_LOWER : offset >= 0x200 ? ENTER_EL2 : NOTHING;
}

static enum kind eret_kind(uint64_t pc)
{
	if (is_in(pc, "world_switch"))
		return LEAVE_TO_GUEST;
	return is_in(pc, "return_to_el2") ? LEAVE_EXCEPTION : LEAVE_TO_EL0;
}

static enum kind kind_of(uint64_t pc, uint32_t op)
{
	enum kind kind = vector_kind(pc - host_vectors);

	if (kind == NOTHING)
		kind = vector_kind(pc - guest_vectors);
	if (kind != NOTHING)
		return kind;
	if ((op & 0xfffff2ff) == 0xd50342df)
		return (op & 0xf00) == 0xf00 ? MASK_ALL : MASK;
	if ((op & 0xfffff2ff) == 0xd50342ff)
		return UNMASK;
	if ((op & ~31u) == 0xd53b4220)
		return SAVE;
	if ((op & ~31u) == 0xd51b4220)
		return RESTORE;
	if (op == 0xd69f03e0)
		return eret_kind(pc);
	if (op == 0xd503207f || (op & ~31u) == 0xd538cc00)
		return ANSWER;
	if (is_in(pc, "spin_lock_contended"))
		return op == 0xd65f03c0			      ? WAIT_ENDS
		       : pc == symbols[symbol_of(pc)].address ? WAIT
							      : NOTHING;
	return pc == symbols[symbol_of(pc)].address && is_in(pc, "thread_switch") ? SWITCH
										  : NOTHING;
}

static uint32_t opcode(const struct qemu_plugin_insn *insn)
{
	uint32_t op = 0;
	uintptr_t data = qemu_plugin_insn_data(insn, &op, sizeof(op));

	if (qemu_plugin_version == 1)
		memcpy(&op, (const void *)data, sizeof(op));
	return op;
}

/* Who saves or restores; functions of irq.h and spinlock.h, where they are not inlined, do it for
 * others. */
static uint32_t user_of(uint64_t pc)
{
	const char *name = symbols[symbol_of(pc)].name;

	return !strncmp(name, "irq_", 4) || !strncmp(name, "spin_", 5) ? ANYBODY : symbol_of(pc);
}

static void watch(struct qemu_plugin_insn *insn, uint64_t pc, enum kind kind, uint64_t left)
{
	struct site *s =
		malloc(sizeof(*s)); /* as long as the translation, which is not told to end */

	if (!s)
		out_of_memory();
	*s = (struct site){ kind, pc, user_of(pc), left };
	qemu_plugin_register_vcpu_insn_exec_cb(insn, on_site, NO_REGS, s);
}

static void translate(plugin_id id, struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb);
	uint64_t start = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, 0));
	struct block *b;

	(void)id;
	if (start < text_start || start + n * INSN_BYTES > text_end)
		return;
	for (size_t k = 0; k < n; k++)
		if (opcode(qemu_plugin_tb_get_insn(tb, k)) !=
		    text[(start - text_start) / INSN_BYTES + k])
			return; /* somebody else's code */
	b = malloc(sizeof(*b)); /* as those of watch() */
	if (!b)
		out_of_memory();
	*b = (struct block){ n, symbol_of(start) };
	qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, NO_REGS, b);
	for (size_t k = 0; k < n; k++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, k);
		uint64_t pc = start + k * INSN_BYTES;
		uint32_t op = opcode(insn);
		enum kind kind = kind_of(pc, op);

		if (kind != NOTHING)
			watch(insn, pc, kind, n - k);
	}
}

static void print_paths(plugin_id id, void *data)
{
	char line[256];

	(void)id, (void)data;
	for (const struct path *p = paths; p < paths + PATHS_MAX; p++) {
		if (!p->times)
			continue;
		snprintf(line, sizeof(line),
			 "masked %" PRIu64 " waited %" PRIu64 " times %" PRIu64 " from %" PRIx64
			 " to %" PRIx64 " in %s\n",
			 p->most, p->waited, p->times, p->from, p->to, symbols[p->function].name);
		qemu_plugin_outs(line);
	}
}

EXPORT int qemu_plugin_install(plugin_id id, const struct qemu_info *info, int argc, char **argv)
{
	(void)info;
	if (argc != 2 || strncmp(argv[0], "symbols=", 8) || !read_symbols(argv[0] + 8) ||
	    strncmp(argv[1], "text=", 5) || !read_text(argv[1] + 5)) {
		fprintf(stderr, "masked: symbols=FILE,text=FILE, that can be read\n");
		return -1;
	}
	host_vectors = address_of("host_vectors");
	guest_vectors = address_of("guest_vectors");
	(void)address_of("spin_lock_contended"), (void)address_of("thread_switch");
	(void)address_of("world_switch"), (void)address_of("return_to_el2");
	for (unsigned i = 0; i < CPUS_MAX; i++) {
		cpus[i].starting = true;
		cpus[i].functions = calloc(symbol_count, sizeof(*cpus[i].functions));
		if (!cpus[i].functions)
			out_of_memory();
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
	qemu_plugin_register_atexit_cb(id, print_paths, NULL);
	return 0;
}
