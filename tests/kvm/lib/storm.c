/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See storm.h. Interrupts stay masked: they are taken by hand. With SGIs 1 to 7 as those that
 * become active, 8 to 15 as those that wait, and the timer's, there are more than list registers.
 */
#include "tests/kvm/lib/gic.h"
#include "tests/kvm/lib/storm.h"

enum { TIMER = 27, TIMER_ENABLE = 1, TIMER_IMASK = 2, TIMER_ISTATUS = 4 };
#define BIT(n)	   (1ull << (n))
#define BITS(h, l) (~0ull >> (63 - (h)) & ~0ull << (l))

struct storm storms[8];

/* What a guest whose MMU is off may set without being disturbed; 0: all of it. */
static const uint64_t only[STORM_REGS] = {
	[STORM_sctlr] = BIT(9) | BITS(16, 14) | BITS(19, 18) | BIT(24) | BIT(26),
	[STORM_cpacr] = BITS(21, 20),
	[STORM_tcr] = BITS(37, 0),
	[STORM_vbar] = BITS(47, 11),
	[STORM_cntkctl] = BITS(9, 8) | BITS(1, 0),
	[STORM_csselr] = BITS(2, 0),
	[STORM_cntv_ctl] = TIMER_ENABLE | TIMER_IMASK,
	[STORM_cntp_ctl] = TIMER_ENABLE | TIMER_IMASK,
	[STORM_icc_pmr] = BITS(7, 3),
	[STORM_icc_bpr1] = 3, /* 4 to 7 */
	[STORM_icc_ctlr] = BIT(1),
};

GUEST uint64_t storm_value(const struct storm *s, unsigned r, uint64_t v)
{
	v = s->base[r] | (v & s->keeps[r]);
	if ((r == STORM_cntv_ctl || r == STORM_cntp_ctl) && (v & TIMER_ENABLE))
		v |= TIMER_IMASK;
	return v;
}

/* op1 4: SP_EL1, which EL1 knows as its stack pointer. A wrong one is not survived. */
static GUEST uint64_t read_reg(unsigned r)
{
	uint64_t v = 0;

	switch (r) {
#define X(field, hw, op0, op1, crn, crm, op2, reset)                                               \
	case STORM_##field:                                                                        \
		if (op1 != 4)                                                                      \
			v = sysreg_read(s##op0##_##op1##_c##crn##_c##crm##_##op2);                 \
		break;
		STORM_LIST(X)
#undef X
	}
	return v;
}

static GUEST void write_reg(unsigned r, uint64_t v)
{
	switch (r) {
#define X(field, hw, op0, op1, crn, crm, op2, reset)                                               \
	case STORM_##field:                                                                        \
		if (op1 != 4)                                                                      \
			sysreg_write(s##op0##_##op1##_c##crn##_c##crm##_##op2, v);                 \
		break;
		STORM_LIST(X)
#undef X
	}
	isb();
}

static GUEST uint64_t next(struct storm *s)
{
	s->seed = s->seed * 6364136223846793005 + 1442695040888963407;
	return s->seed >> 20 ^ s->seed << 44;
}

/* Tell the VMM, for ever. */
static GUEST void wrong(struct storm *s, uint64_t what, uint64_t got, uint64_t wanted)
{
	s->got = got;
	s->wanted = wanted;
	s->wrong = what + 1;
	for (;;)
		guest_done(what);
}

/* ---- the list ---- */

/* Which bits of a register are there on this machine; what is not there at all faults. */
static GUEST void probe(struct storm *s, unsigned r)
{
	uint64_t mask = only[r] ? only[r] : ~0ull, faults = guest_self()->faults;
	uint64_t was = read_reg(r), all, none;

	s->base[r] = r == STORM_icc_bpr1 ? 4 : was & ~mask;
	write_reg(r, s->base[r] | mask);
	all = read_reg(r);
	write_reg(r, s->base[r]);
	none = read_reg(r);
	write_reg(r, was);
	if (guest_self()->faults == faults)
		s->keeps[r] = all & ~none & mask;
}

static GUEST void change(struct storm *s, unsigned r, uint64_t v)
{
	if (r == STORM_icc_bpr1 && s->held)
		return; /* the end of an interrupt goes by the groups its beginning went by */
	s->want[r] = storm_value(s, r, v);
	write_reg(r, s->want[r]);
}

static GUEST void check_list(struct storm *s)
{
	for (unsigned r = 0; r < STORM_REGS; r++) {
		uint64_t v = read_reg(r), want = s->want[r];

		if ((v ^ want) & s->keeps[r])
			wrong(s, r, v, want);
	}
}

/* The virtual counter is behind the physical one by the same amount always. */
static GUEST void check_counters(struct storm *s)
{
	uint64_t before, physical, after;

	isb();
	before = sysreg_read(cntvct_el0);
	isb();
	physical = sysreg_read(cntpct_el0);
	isb();
	after = sysreg_read(cntvct_el0);
	if (before < s->last_count || after < before)
		wrong(s, WRONG_COUNTERS, before, s->last_count);
	s->last_count = after;
	if (physical - after > s->offset_low)
		s->offset_low = physical - after;
	if (physical - before < s->offset_high)
		s->offset_high = physical - before;
	if (s->offset_low > s->offset_high)
		wrong(s, WRONG_COUNTERS, s->offset_low, s->offset_high);
}

/* ---- interrupts ---- */

/* Send SGI n to oneself; it stays pending. */
static GUEST void post(struct storm *s, unsigned n)
{
	s->pending |= 1u << n;
	sgi_send(n, 1u << (s->mpidr & 15));
}

/* Take the most urgent interrupt, which is to be n. */
static GUEST void take(struct storm *s, uint32_t n)
{
	uint64_t until = sysreg_read(cntpct_el0) + 5 * sysreg_read(cntfrq_el0);
	uint32_t got;

	write_reg(STORM_icc_pmr, 0xff);
	do
		got = irq_acknowledge();
	while (got == IRQ_SPURIOUS && n != IRQ_SPURIOUS && sysreg_read(cntpct_el0) < until);
	write_reg(STORM_icc_pmr, s->want[STORM_icc_pmr]);
	if (got != n)
		wrong(s, WRONG_TAKEN, got, n);
}

static GUEST void end(struct storm *s, uint32_t n)
{
	irq_end(n);
	if (s->want[STORM_icc_ctlr] & BIT(1)) {
		sysreg_write(s3_0_c12_c11_1, n); /* ICC_DIR_EL1 */
		isb();
	}
}

static GUEST uint32_t running(void)
{
	return (uint32_t)sysreg_read(s3_0_c12_c11_3); /* ICC_RPR_EL1 */
}

/* One active at a time: a new one, or the most urgent of those that wait; or it ends. */
static GUEST void change_active(struct storm *s)
{
	if (s->held) {
		end(s, s->held);
		s->held = 0;
		s->running = 0xff;
		return;
	}
	if (!s->pending || next(s) % 2)
		post(s, 1 + next(s) % 7);
	s->held = (uint32_t)__builtin_ctz(s->pending);
	take(s, s->held);
	s->pending &= ~(1u << s->held);
	s->running = running();
}

static GUEST void check_interrupts(struct storm *s)
{
	uint32_t pending, active;

	if (running() != s->running)
		wrong(s, WRONG_RUNNING, running(), s->running);
	if (next(s) % 8)
		return;
	pending = mmio_read32(s->gicr + GICD_ISPENDR) & 0xffff;
	if (pending != s->pending)
		wrong(s, WRONG_PENDING, pending, s->pending);
	active = mmio_read32(s->gicr + GICD_ISACTIVER);
	if (active != (s->held ? 1u << s->held : 0))
		wrong(s, WRONG_ACTIVE, active, s->held);
	s->in_kernel += 2;
}

/* Sleep until the timer's interrupt, and take it; it is more urgent than all others. */
static GUEST void sleep_by_timer(struct storm *s)
{
	uint64_t due = sysreg_read(cntvct_el0) + sysreg_read(cntfrq_el0) / 10000;

	write_reg(STORM_icc_pmr, 0x10); /* no other one ends the wait */
	write_reg(STORM_icc_bpr1, 4);
	write_reg(STORM_cntv_cval, due);
	write_reg(STORM_cntv_ctl, TIMER_ENABLE);
	while (!(read_reg(STORM_cntv_ctl) & TIMER_ISTATUS))
		__asm__ volatile("wfi");
	s->in_kernel++;
	if (sysreg_read(cntvct_el0) < due)
		wrong(s, WRONG_TIMER, sysreg_read(cntvct_el0), due);
	take(s, TIMER);
	change(s, STORM_cntv_ctl, TIMER_ENABLE | TIMER_IMASK);
	s->want[STORM_cntv_cval] = due;
	end(s, TIMER);
	write_reg(STORM_icc_bpr1, s->want[STORM_icc_bpr1]);
	s->waits++;
}

/* ---- ways to leave ---- */

/* Store value at the port with a pattern in x2 to x30 and the flags; what differs afterwards. */
static GUEST uint64_t leave_with_pattern(uint64_t value, uint64_t pattern)
{
	register uint64_t x0 __asm__("x0") = GUEST_PORT + PORT_TEST;
	register uint64_t x1 __asm__("x1") = pattern;
	register uint64_t x2 __asm__("x2") = value;

	__asm__ volatile("stp	x29, x30, [sp, #-16]!\n\t"
			 "mov	x3, sp\n\t"
			 "stp	x2, x3, [sp, #-16]!\n\t"
			 "msr	nzcv, x1\n\t"
			 ".irp	n, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, "
			 "20, 21, 22, 23, "
			 "24, 25, 26, 27, 28, 29, 30\n\t"
			 "add	x\\n, x1, #\\n\n\t"
			 ".endr\n\t"
			 "str	x2, [x0]\n\t"
			 "mrs	x2, nzcv\n\t"
			 "eor	x0, x2, x1\n\t"
			 "and	x0, x0, #0xf0000000\n\t"
			 ".irp	n, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, "
			 "20, 21, 22, 23, "
			 "24, 25, 26, 27, 28, 29, 30\n\t"
			 "sub	x\\n, x\\n, #\\n\n\t"
			 "eor	x\\n, x\\n, x1\n\t"
			 "orr	x0, x0, x\\n\n\t"
			 ".endr\n\t"
			 "ldp	x2, x3, [sp], #16\n\t"
			 "mov	x4, sp\n\t"
			 "eor	x3, x3, x4\n\t"
			 "orr	x0, x0, x3\n\t"
			 "ldp	x29, x30, [sp], #16"
			 : "+r"(x0), "+r"(x1), "+r"(x2)
			 :
			 : "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13",
			   "x14", "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23",
			   "x24", "x25", "x26", "x27", "x28", "cc", "memory");
	return x0;
}

static GUEST void spin(uint64_t part_of_second)
{
	uint64_t until = sysreg_read(cntpct_el0) + sysreg_read(cntfrq_el0) / part_of_second;

	while (sysreg_read(cntpct_el0) < until)
		isb();
}

static GUEST void leave(struct storm *s)
{
	uint64_t r = next(s), differs;

	switch (r % 16) {
	case 0 ... 5:
		s->exits++;
		differs = leave_with_pattern(s->exits, r);
		if (differs)
			wrong(s, WRONG_GENERAL, differs, 0);
		break;
	case 6 ... 9:
		hvc(0x84000000, 0, 0, 0); /* PSCI_VERSION */
		s->in_kernel++;
		break;
	case 10 ... 11:
		(void)mmio_read32(GUEST_GICD + GICD_TYPER);
		s->in_kernel++;
		break;
	case 12:
		if (s->running >= 0x20) /* a coarse ICC_BPR1_EL1 can make it 0 */
			sleep_by_timer(s);
		break;
	case 13:
		if (r % 64 == 13)
			spin(500); /* long enough to be preempted */
		break;
	default: /* by an interrupt, if at all */
		spin(100000);
	}
}

/* ---- the guest ---- */

static GUEST struct storm *begin(uint64_t seed)
{
	struct storm *s = &storms[guest_self()->id];

	s->seed = seed;
	s->mpidr = sysreg_read(mpidr_el1);
	s->gicr = gicr_sgi_base();
	s->running = 0xff;
	s->offset_high = ~0ull;
	gicv3_init();
	for (unsigned n = 0; n < 16; n++)
		gicv3_enable(n, 0x20 + 8 * n);
	gicv3_enable(TIMER, 8);
	for (unsigned r = 0; r < STORM_REGS; r++)
		probe(s, r);
	for (unsigned r = 0; r < STORM_REGS; r++)
		change(s, r, next(s));
	return s;
}

GUEST void storm_guest(uint64_t seed)
{
	struct storm *s = begin(seed); /* TPIDR_EL1 is one of the registers: no guest_self() now */

	for (;;) {
		for (uint64_t n = next(s) % 4; n; n--)
			change(s, next(s) % STORM_REGS, next(s));
		if (next(s) % 4 == 0)
			change_active(s);
		if (next(s) % 8 == 0)
			post(s, 8 + next(s) % 8);
		leave(s);
		check_list(s);
		check_counters(s);
		check_interrupts(s);
		if (sysreg_read(mpidr_el1) != s->mpidr)
			wrong(s, WRONG_MPIDR, sysreg_read(mpidr_el1), s->mpidr);
	}
}
