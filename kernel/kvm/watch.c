/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a vCPU's exits cost in time, while somebody watches: proc_vm.c has the vCPU's REQ_WATCH set, the
 * word that the run loop looks at before each entry, and so each turn of the loop goes by
 * watch_enter(), watch_leave() and watch_handled(). Nobody watches: nothing of this is met.
 *
 * An exit's time is that until the next entry, whatever the vCPU's thread did meanwhile, as `perf kvm stat`
 * has it: so an MMIO exit has the VMM's time in it and WFI the wait. Its reason is known by the counters that it
 * moved. Lock: watch->lock, a leaf; written by the vCPU's thread, read by anybody.
 */
#include "kvm/watch.h"

#include "arch/timer.h"
#include "kvm/world_offsets.h"
#include "lib/string.h"
#include "mm/slab.h"

/* By exception class, then WORLD_IRQ, _FIQ and _SERROR, as vcpu->stats.exits. */
static const uint8_t reasons[EXIT_CAUSES] = {
	[EC_WFX] = WATCH_WFX,
	[EC_HVC64] = WATCH_HVC,
	[EC_SMC64] = WATCH_SMC,
	[EC_SYSREG] = WATCH_SYSREG,
	[EC_FP] = WATCH_FP,
	[EC_SVE] = WATCH_SVE,
	[EC_IABT_LOW] = WATCH_FAULT,
	[EC_DABT_LOW] = WATCH_FAULT,
	[EC_COUNT - 1 + WORLD_IRQ] = WATCH_IRQ,
	[EC_COUNT - 1 + WORLD_FIQ] = WATCH_IRQ,
	[EC_COUNT - 1 + WORLD_SERROR] = WATCH_SERROR,
};

/* It goes to another place. HOLDS(w->lock) */
static void move_to(struct vcpu_watch *w, enum watch_place place)
{
	uint64_t now = timer_ticks();

	w->ticks[w->place] += now - w->since;
	w->since = now;
	w->place = place;
}

/* HOLDS(w->lock) */
static void note(struct watch_times *t, uint64_t ns)
{
	t->least = t->count && t->least < ns ? t->least : ns;
	t->most = t->most > ns ? t->most : ns;
	t->sum += ns;
	t->squares += (unsigned __int128)ns * ns;
	t->count++;
}

/* Is it in the vector registers, and were they loaded since it last was here? No two loads have the same
 * epoch, and it is loaded once between two entries at most. */
static void note_vector_load(struct vcpu_watch *w, const struct vcpu *vcpu)
{
	const struct cpu *cpu = this_cpu();

	if (!bank_is_at(&vcpu->fp.bank, cpu->id) || w->epoch == cpu->fp_epoch)
		return;
	w->vector_loads++;
	w->epoch = cpu->fp_epoch;
}

void watch_enter(struct vcpu *vcpu)
{
	struct vcpu_watch *w = vcpu->watch;

	spin_lock(&w->lock);
	note_vector_load(w, vcpu);
	move_to(w, WATCH_GUEST);
	if (w->pending)
		note(&w->times[w->reason], timer_ticks_to_ns(w->since - w->left));
	w->pending = false;
	spin_unlock(&w->lock);
}

void watch_leave(struct vcpu *vcpu, unsigned why, uint64_t esr)
{
	struct vcpu_watch *w = vcpu->watch;
	uint64_t cause = why == WORLD_SYNC ? field_get(ESR_EC, esr) : EC_COUNT - 1 + why;

	spin_lock(&w->lock);
	move_to(w, WATCH_HOST);
	w->left = w->since;
	w->pending = true;
	w->reason = reasons[cause];
	w->mmio_kernel = vcpu->stats.mmio_kernel;
	w->mmio_vmm = vcpu->stats.mmio_vmm;
	w->blocks = vcpu->stats.blocks;
	spin_unlock(&w->lock);
}

void watch_waited(struct vcpu *vcpu)
{
	struct vcpu_watch *w = vcpu->watch;
	uint64_t daif;

	if (!w)
		return;
	daif = spin_lock_irqsave(&w->lock);
	w->place = WATCH_IDLE;
	move_to(w, WATCH_HOST);
	spin_unlock_irqrestore(&w->lock, daif);
}

void watch_handled(struct vcpu *vcpu)
{
	struct vcpu_watch *w = vcpu->watch;

	if (w->blocks != vcpu->stats.blocks)
		watch_waited(vcpu);
	if (w->mmio_vmm != vcpu->stats.mmio_vmm)
		w->reason = WATCH_MMIO_VMM;
	else if (w->mmio_kernel != vcpu->stats.mmio_kernel)
		w->reason = WATCH_MMIO_KERNEL;
}

/* ---- who watches ---- */

void watch_begin(struct vcpu *vcpu)
{
	struct vcpu_watch *w = vcpu->watch ? vcpu->watch : kzalloc(sizeof(*w));
	uint64_t daif;

	if (!w)
		return;
	daif = spin_lock_irqsave(&w->lock);
	memset(w->times, 0, sizeof(w->times));
	memset(w->ticks, 0, sizeof(w->ticks));
	w->vector_loads = 0;
	w->epoch = 1; /* nobody's */
	w->pending = false;
	w->place = WATCH_HOST; /* the kick sees to that */
	w->since = timer_ticks();
	spin_unlock_irqrestore(&w->lock, daif);
	vcpu->watch = w;
	vcpu_kick(vcpu, REQ_WATCH); /* releases the pointer */
}

void watch_end(struct vcpu *vcpu)
{
	atomic_fetch_and_explicit(&vcpu->requests, ~REQ_WATCH, memory_order_relaxed);
}

uint64_t watch_vector_loads(const struct vcpu *vcpu)
{
	return vcpu->watch ? relaxed_u64(&vcpu->watch->vector_loads) : 0;
}

uint64_t watch_vector_saves(const struct vcpu *vcpu)
{
	uint64_t loads = watch_vector_loads(vcpu);

	return loads - (loads && relaxed_int(&vcpu->fp.bank.home) != BANK_NO_CPU);
}

void watch_places(struct vcpu *vcpu, uint64_t ticks[WATCH_PLACES])
{
	struct vcpu_watch *w = vcpu->watch;
	enum watch_place is;
	uint64_t daif;

	memset(ticks, 0, WATCH_PLACES * sizeof(*ticks));
	if (!w)
		return;
	daif = spin_lock_irqsave(&w->lock);
	is = w->place;
	if (is == WATCH_HOST && atomic_load_explicit(&vcpu->wait.thread, memory_order_relaxed))
		w->place = WATCH_IDLE;
	/* What was told is not taken back when it turns out to be waiting. */
	move_to(w, is);
	memcpy(ticks, w->ticks, sizeof(w->ticks));
	spin_unlock_irqrestore(&w->lock, daif);
}

static void read_counts(const struct vcpu *vcpu, uint64_t counts[WATCH_REASONS])
{
	const struct vcpu_stats *s = &vcpu->stats;
	uint64_t vmm = relaxed_u64(&s->mmio_vmm), kernel = relaxed_u64(&s->mmio_kernel);

	memset(counts, 0, WATCH_REASONS * sizeof(*counts));
	for (unsigned cause = 0; cause < EXIT_CAUSES; cause++)
		counts[reasons[cause]] += relaxed_u64(&s->exits[cause]);
	counts[WATCH_MMIO_VMM] = vmm;
	counts[WATCH_MMIO_KERNEL] = kernel;
	/* An exit that is just being counted is a fault until it is known to be more. */
	counts[WATCH_FAULT] -= min(counts[WATCH_FAULT], vmm + kernel);
}

void watch_read(struct vcpu *vcpu, struct watch_times times[WATCH_REASONS], uint64_t counts[WATCH_REASONS])
{
	struct vcpu_watch *w = vcpu->watch;
	uint64_t daif;

	if (w) {
		daif = spin_lock_irqsave(&w->lock);
		memcpy(times, w->times, sizeof(w->times));
		spin_unlock_irqrestore(&w->lock, daif);
	} else {
		memset(times, 0, sizeof(w->times));
	}
	read_counts(vcpu, counts);
}
