/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The second stage of a guest's address translation: its slots' memory as the VMM has it mapped.
 * A page comes in when the guest first touches it (exit.c -> stage2_fault()) and goes when the
 * VMM's own mapping changes (the space's notifier) or its slot does (vm.c -> stage2_unmap()). Every
 * leaf holds one reference to what it maps.
 *
 * Lock: vm->space->lock covers the tables; slots change under vm->slots_lock, counted, so that a
 * fault that waited for the space looks again. vmid_lock covers the VMIDs.
 * Manual: DDI 0487 D8.2 (tables), D8.14 (TLB), D19.2.158 (VTCR_EL2), .160 (VTTBR_EL2).
 */
#include "kvm/stage2.h"

#include <linux/errno.h>

#include "mm/mmu.h"
#include "arch/sysreg.h"
#include "lib/check.h"
#include "mm/page.h"

#define MMFR0_PARANGE_VALUE BITS(3, 0)
#define MMFR2_FWB	    BITS(43, 40)
#define CTR_DMINLINE	    BITS(19, 16)
#define VTCR_T0SZ	    BITS(5, 0)
#define VTCR_SL0	    BITS(7, 6)
#define VTCR_IRGN0_WBWA	    field_set(BITS(9, 8), 1)
#define VTCR_ORGN0_WBWA	    field_set(BITS(11, 10), 1)
#define VTCR_SH0_INNER	    field_set(BITS(13, 12), 3)
#define VTCR_PS		    BITS(18, 16)
#define VTCR_VS		    BIT(19)
#define VTCR_RES1	    BIT(31)
#define VTTBR_VMID_SHIFT    48
#define S2_MEM_NORMAL_FWB   (6ull << 2) /* HCR_EL2.FWB: write-back whatever stage 1 says */
#define RELEASE_BATCH	    32

static struct idspace vmids;
static struct spinlock vmid_lock; /* covers vmids and every stage2.vmid */
static uint64_t loaded[MAX_CPUS]; /* VTTBR_EL2; each CPU's own, masked */
static bool fwb;

/* ---- what the CPUs offer ---- */

void stage2_setup(void)
{
	check(!idspace_init(&vmids, cpu_has(CPU_VMID16) ? 16 : 8, MAX_CPUS));
	fwb = field_get(MMFR2_FWB, sysreg_read(id_aa64mmfr2_el1));
}

uint64_t stage2_hcr(void)
{
	return fwb ? HCR_FWB : 0;
}

unsigned stage2_max_ipa_bits(void)
{
	return min(cpu_pa_bits(), 48u);
}

/* ---- loading ---- */

/* BADDR and VMID: what is, or was last, in VTTBR_EL2 of a CPU that has a vCPU of it. */
static uint64_t vttbr_of(const struct stage2 *s2)
{
	return s2->table.root.v | (uint64_t)idspace_number(&vmids, &s2->vmid) << VTTBR_VMID_SHIFT;
}

static void activate_vmid(struct stage2 *s2, unsigned cpu)
{
	uint64_t daif = spin_lock_irqsave(&vmid_lock);

	if (idspace_activate(&vmids, &s2->vmid, cpu))
		tlb_flush_all_guests();
	spin_unlock_irqrestore(&vmid_lock, daif);
	dsb(ish); /* the number, before this CPU walks the tables with it; partner: vttbr_to_flush() */
}

/* VTTBR_EL2 becomes the VM's. */
static void load_vttbr(struct stage2 *s2, unsigned cpu)
{
	uint64_t vttbr;

	if (!idspace_try_activate(&vmids, &s2->vmid, cpu))
		activate_vmid(s2, cpu);
	vttbr = vttbr_of(s2);
	if (vttbr != loaded[cpu]) {
		loaded[cpu] = vttbr;
		sysreg_write(vtcr_el2, s2->vtcr);
		sysreg_write(vttbr_el2, vttbr);
		isb(); /* the VMID, before the TLBI that may come */
	}
}

/* Entries of one VMID may be private to a vCPU (CnP = 0): another one must not see them. */
static inline void flush_others(struct stage2 *s2, unsigned cpu, const struct vcpu *vcpu)
{
	if (s2->last_vcpu[cpu] == (int)vcpu->index)
		return;
	s2->last_vcpu[cpu] = (int)vcpu->index;
	isb(); /* VTTBR_EL2, and TGE = 0, for which regime it is */
	__asm__ volatile("tlbi vmalle1\n\tic iallu");
	dsb(nsh); /* done before the guest is entered: the ERET synchronises */
}

static __attribute__((noinline)) void activate_other(struct stage2 *s2, unsigned cpu,
						     const struct vcpu *vcpu)
{
	load_vttbr(s2, cpu);
	flush_others(s2, cpu, vcpu);
}

void stage2_activate(unsigned cpu, const struct vcpu *vcpu)
{
	struct stage2 *s2 = &vcpu->vm->stage2;

	if (idspace_is_active(&vmids, &s2->vmid, cpu)) /* it is in VTTBR_EL2 */
		flush_others(s2, cpu, vcpu);
	else
		activate_other(s2, cpu, vcpu);
}

void stage2_deactivate(void)
{
	uint64_t daif = spin_lock_irqsave(&vmid_lock);

	idspace_deactivate(&vmids, cpu_id());
	spin_unlock_irqrestore(&vmid_lock, daif);
	loaded[cpu_id()] = 0;
	sysreg_write(vttbr_el2, 0);
	isb();
}

/* ---- unmapping ---- */

/* The descriptor is cleared before we ask by which number the TLBs know it: who takes a new number
 * after that walks the tables as they are now. */
static uint64_t vttbr_to_flush(const struct stage2 *s2)
{
	dsb(ishst);
	return vttbr_of(s2);
}

/* Leaves taken out of the table: their pages may go only when no TLB has them any more. */
struct release {
	struct stage2 *s2;
	unsigned count;
	uint64_t first; /* where the first of them was mapped */
	pa_t pages[RELEASE_BATCH];
};

static void release_flush(struct release *r)
{
	if (!r->count)
		return;
	if (r->count == 1)
		tlb_flush_stage2_ipa(vttbr_to_flush(r->s2), (ipa_t){ r->first });
	else
		tlb_flush_stage2_all(vttbr_to_flush(r->s2));
	for (unsigned i = 0; i < r->count; i++)
		space_unpin(r->pages[i]);
	r->count = 0;
}

/* This leaf is cleared after we return: a full batch is flushed before it is taken in. */
static uint64_t release_leaf(void *arg, uint64_t ipa, uint64_t size, uint64_t desc)
{
	struct release *r = arg;

	(void)size;
	if (r->count == RELEASE_BATCH)
		release_flush(r);
	if (!r->count)
		r->first = ipa;
	r->pages[r->count++] = (pa_t){ desc & PTE_ADDRESS };
	return 0;
}

/* The leaves go; the tables stay. */
static void release_all(struct vm *vm, ipa_t ipa, uint64_t size) HOLDS(vm->space->lock)
{
	struct release r;

	r.s2 = &vm->stage2;
	r.count = 0; /* the pages are those that were counted */
	pagetable_walk(&vm->stage2.table, ipa.v, size, release_leaf, &r);
	release_flush(&r);
}

static void unmap_locked(struct vm *vm, ipa_t ipa, uint64_t size) HOLDS(vm->space->lock)
{
	struct list tables = LIST_INIT(tables);

	release_all(vm, ipa, size);
	if (size < BLOCK_SIZE)
		return;
	/* So that blocks fit when something is mapped here again. */
	pagetable_prune(&vm->stage2.table, ipa.v, size, &tables);
	if (list_empty(&tables))
		return;
	tlb_flush_stage2_all(vttbr_to_flush(&vm->stage2));
	pagetable_free_list(&tables);
}

void stage2_unmap(struct vm *vm, ipa_t ipa, uint64_t size)
{
	mutex_lock(&vm->space->lock);
	unmap_locked(vm, ipa, size);
	mutex_unlock(&vm->space->lock);
}

/* The part of a slot that lies in [start, end) of the VMM's addresses. */
static bool slot_part(const struct memory_slot *slot, uint64_t start, uint64_t end, ipa_t *ipa,
		      uint64_t *size)
{
	uint64_t from = max(start, slot->uva), to = min(end, slot->uva + slot->size);

	if (from >= to)
		return false;
	ipa->v = slot->ipa.v + (from - slot->uva);
	*size = to - from;
	return true;
}

/* The lowest slot that begins at ipa or above. */
static bool next_slot(struct vm *vm, uint64_t ipa, struct memory_slot *slot)
{
	bool found = false;

	spin_lock(&vm->slots_lock);
	for (unsigned i = 0; i < vm->slot_count; i++) {
		if (vm->slots[i].ipa.v >= ipa) {
			*slot = vm->slots[i];
			found = true;
			break;
		}
	}
	spin_unlock(&vm->slots_lock);
	return found;
}

/* The space's lock is held, so no fault maps anything meanwhile. A slot that is being removed or
 * added at this moment is unmapped by who removes it, or has nothing mapped yet; the others are
 * found by their addresses, since their places in the array change with it. */
static void space_changes(struct space_notifier *n, uint64_t start, uint64_t end) NO_LOCK_ANALYSIS
{
	struct vm *vm = container_of(n, struct vm, stage2.notifier);
	struct memory_slot slot;
	uint64_t size;
	ipa_t ipa;

	for (uint64_t at = 0; next_slot(vm, at, &slot); at = slot.ipa.v + slot.size)
		if (slot_part(&slot, start, end, &ipa, &size))
			unmap_locked(vm, ipa, size);
}

/* ---- life ---- */

int stage2_init(struct vm *vm, unsigned ipa_bits)
{
	struct stage2 *s2 = &vm->stage2;
	int err;

	if (ipa_bits < 32 || ipa_bits > stage2_max_ipa_bits())
		return -EINVAL;
	err = pagetable_init(&s2->table, ipa_bits, true);
	if (err)
		return err;
	s2->ipa_bits = ipa_bits;
	s2->vtcr = field_set(VTCR_T0SZ, 64 - ipa_bits) |
		   field_set(VTCR_SL0, 2 - s2->table.start_level) | VTCR_IRGN0_WBWA |
		   VTCR_ORGN0_WBWA | VTCR_SH0_INNER |
		   field_set(VTCR_PS,
			     min(field_get(MMFR0_PARANGE_VALUE, sysreg_read(id_aa64mmfr0_el1)),
				 5ull)) |
		   (cpu_has(CPU_VMID16) ? VTCR_VS : 0) | VTCR_RES1;
	for (unsigned i = 0; i < MAX_CPUS; i++)
		s2->last_vcpu[i] = -1;
	s2->notifier.invalidate = space_changes;
	space_notifier_add(vm->space, &s2->notifier);
	return 0;
}

void stage2_destroy(struct vm *vm)
{
	space_notifier_remove(vm->space, &vm->stage2.notifier);
	mutex_lock(&vm->space->lock);
	release_all(vm, (ipa_t){ 0 }, 1ull << vm->stage2.ipa_bits);
	mutex_unlock(&vm->space->lock);
	tlb_flush_stage2_all(vttbr_to_flush(&vm->stage2)); /* the tables, before they are freed */
	pagetable_destroy(&vm->stage2.table);
}

/* ---- caches ---- */

/* What the VMM wrote through its cacheable mapping must be in memory for a guest that runs with its
 * caches off, and no stale instruction may be fetched from the new page. */
static void publish(pa_t pa, uint64_t size)
{
	uint64_t line = 4ull << field_get(CTR_DMINLINE, sysreg_read(ctr_el0));
	char *va = pa_to_va(pa);

	if (!fwb)
		for (uint64_t i = 0; i < size; i += line)
			__asm__ volatile("dc civac, %0" ::"r"(va + i) : "memory");
	dsb(ish);
	__asm__ volatile("ic ialluis");
	dsb(ish);
}

static uint64_t clean_leaf(void *arg, uint64_t ipa, uint64_t size, uint64_t desc)
{
	(void)arg;
	(void)ipa;
	publish((pa_t){ desc & PTE_ADDRESS }, size);
	return desc;
}

void stage2_clean_all(struct vm *vm)
{
	if (fwb)
		return;
	mutex_lock(&vm->space->lock);
	pagetable_walk(&vm->stage2.table, 0, 1ull << vm->stage2.ipa_bits, clean_leaf, NULL);
	mutex_unlock(&vm->space->lock);
}

/* ---- faults ---- */

struct mapping {
	uint64_t ipa, size, attrs;
	pa_t pa;
};

/* A whole block only where guest and VMM address agree below 2 MiB and the slot covers it. */
static bool block_fits(const struct memory_slot *slot, uint64_t ipa)
{
	uint64_t start = align_down(ipa, BLOCK_SIZE);

	return ((slot->ipa.v ^ slot->uva) & BLOCK_MASK) == 0 && start >= slot->ipa.v &&
	       start + BLOCK_SIZE <= slot->ipa.v + slot->size;
}

/* Another vCPU was first: true if what stands there, desc of size, will do. */
static bool will_do(const struct mapping *m, uint64_t desc, uint64_t size, bool write)
{
	return size >= m->size && (!write || (desc & S2_WRITE)) &&
	       (desc & PTE_ADDRESS) + (m->ipa & (size - 1)) == m->pa.v;
}

/* Takes over the reference to m->pa, whatever happens. */
static int map_locked(struct vm *vm, const struct mapping *m, bool write) HOLDS(vm->space->lock)
{
	uint64_t size, desc = pagetable_lookup(&vm->stage2.table, m->ipa, &size);
	int err;

	if (desc && will_do(m, desc, size, write)) {
		space_unpin(m->pa);
		return 0;
	}
	/* Break before make: other memory is here, or the same with other rights or in pages. */
	if (desc || size < m->size)
		unmap_locked(vm, (ipa_t){ m->ipa }, m->size);
	publish(m->pa, m->size);
	err = pagetable_map(&vm->stage2.table, m->ipa, m->pa, m->size, m->attrs, NULL);
	if (err)
		space_unpin(m->pa);
	dsb(ishst); /* the descriptor before the guest's next walk, here or on another CPU */
	return err;
}

static int map_slot_locked(struct vm *vm, const struct memory_slot *slot, ipa_t ipa, bool write)
	HOLDS(vm->space->lock)
{
	struct mapping m;
	bool writable;
	int err = space_pin_locked(vm->space, slot->uva + (ipa.v - slot->ipa.v), write, &m.pa,
				   &m.size, &writable);

	if (err)
		return err == -ENOMEM ? err : -EFAULT;
	m.ipa = align_down(ipa.v, m.size);
	if (m.size == BLOCK_SIZE && !block_fits(slot, ipa.v)) {
		uint64_t uva = slot->uva + (ipa.v - slot->ipa.v);

		m.pa.v += align_down(uva & BLOCK_MASK, PAGE_SIZE);
		m.ipa = align_down(ipa.v, PAGE_SIZE);
		m.size = PAGE_SIZE;
	}
	m.attrs = PTE_AF | PTE_INNER_SH | (fwb ? S2_MEM_NORMAL_FWB : S2_MEM_NORMAL) | S2_READ;
	if (writable && !(slot->flags & KVM_MEM_READONLY))
		m.attrs |= S2_WRITE;
	return map_locked(vm, &m, write);
}

/* The slot was looked up without the space's lock: has it changed while we waited for that? */
static int map_memory(struct vm *vm, const struct memory_slot *slot, uint64_t generation, ipa_t ipa,
		      bool write)
{
	int err = EXIT_RESUME; /* changed: let the guest fault again */

	mutex_lock(&vm->space->lock);
	/* Who changes a slot counts first, and unmaps then with this lock held: so either we see
	 * the count, or it unmaps what we map. */
	if (relaxed_u64(&vm->slots_generation) == generation)
		err = map_slot_locked(vm, slot, ipa, write);
	mutex_unlock(&vm->space->lock);
	return err ? err : EXIT_RESUME;
}

/* ---- what is not memory ---- */

static int not_memory(struct vcpu *vcpu, const struct guest_abort *a)
{
	if (a->fetch) {
		inject_fetch_abort(vcpu, a->far);
		return EXIT_RESUME;
	}
	if (a->walk || a->ipa.v >> vcpu->vm->stage2.ipa_bits) {
		inject_data_abort(vcpu, a->far);
		return EXIT_RESUME;
	}
	if (a->cache_op) { /* nothing to maintain */
		vcpu_skip_instruction(vcpu);
		return EXIT_RESUME;
	}
	if (!a->syndrome)
		return -ENOSYS;
	vm_note_gap(vcpu, a->ipa);
	return mmio_access(vcpu, a->mmio);
}

int stage2_fault(struct vcpu *vcpu, const struct guest_abort *abort)
{
	struct memory_slot slot;
	uint64_t generation;

	if (abort->kind == ABORT_EXTERNAL) {
		if (abort->fetch)
			inject_fetch_abort(vcpu, abort->far);
		else
			inject_data_abort(vcpu, abort->far);
		return EXIT_RESUME;
	}
	if (abort->kind == ABORT_OTHER)
		return -EFAULT;
	if (!vm_find_slot(vcpu->vm, abort->ipa, &slot, &generation) ||
	    (abort->write && (slot.flags & KVM_MEM_READONLY)))
		return not_memory(vcpu, abort);
	vcpu->stats.s2_faults++;
	return map_memory(vcpu->vm, &slot, generation, abort->ipa, abort->write);
}
