/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When to load vector registers ahead. Entered from fp.c; the state is the context's.
 *
 * A save and a load are due at any change of user; the trap (T) that shows the change is what can
 * be saved by loading ahead, and a load that nobody needed (W: the other one's save, our load, and
 * both again when the other comes back) is what can be lost. Use shows only through a trap: arm64
 * has no dirty bit. So each use that was shown by a trap earns T, and who has earned it n times in
 * a row is loaded ahead n * T / W times; then the trap is armed once more, to look. A trap that was
 * armed and did not come ends the streak. Who uses the registers each time thus traps once in
 * AHEAD_MOST + 1 times; who never does, costs nothing; and what is lost is bounded by AHEAD_MOST
 * for each look.
 *
 * Costs: cycles on an Armv8.0 core (X-Gene; ISCA 2016, table III: save 282, load 310) and an
 * estimated 300 for the trap and its way into C. Measurements under QEMU are upside down (20
 * instructions to save, 150 to trap) and steer nothing.
 */
#include "bank/fp_policy.h"

#include "lib/bits.h"

#define TRAP_COST  300u
#define WASTE_COST (2u * (282u + 310u))
#define AHEAD_MOST 64u
/* A longer streak earns no more than AHEAD_MOST. */
#define STREAK_MOST (AHEAD_MOST * WASTE_COST / TRAP_COST + 1)

bool fp_policy_enter(struct fp_policy *p, uint64_t epoch)
{
	if (p->armed_at == epoch) /* nobody came between: the same look goes on */
		return false;
	if (p->armed_at) {
		p->streak = 0;
		p->ahead = 0;
	}
	if (p->ahead) {
		p->ahead--;
		return true;
	}
	p->armed_at = epoch;
	return false;
}

void fp_policy_used(struct fp_policy *p)
{
	p->armed_at = 0;
	p->streak = (uint16_t)min(p->streak + 1u, STREAK_MOST);
	p->ahead = (uint16_t)min(p->streak * TRAP_COST / WASTE_COST, AHEAD_MOST);
}
