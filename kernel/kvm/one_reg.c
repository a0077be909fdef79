/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vCPU's registers as the VMM reads and writes them: KVM_GET_ONE_REG, KVM_SET_ONE_REG,
 * KVM_GET_REG_LIST. Entered from api.c with vcpu->lock held. What stands in a bank is brought into
 * its image first, and loaded again when the vCPU next runs: the guest bank for any register, the
 * vector bank for those in it.
 *
 * A number (id) is a kind (core, system register, timer, firmware, cache size), a size and an index
 * in that kind; each kind has its own pair of functions below and its own part of the list.
 */
#include <linux/errno.h>
#include <linux/kvm.h>

#include "arch/sysreg.h"
#include "arch/timer.h"
#include "arch/usercopy.h"
#include "kvm/id_regs.h"
#include "kvm/sve.h"
#include "kvm/sysreg.h"
#include "lib/bits.h"
#include "lib/string.h"

#define KIND(id)  ((id)&KVM_REG_ARM_COPROC_MASK)
#define INDEX(id) ((id)&0xffff)

union reg_value {
	uint64_t u64;
	uint32_t u32;
	uint8_t bytes[SVE_REG_MOST];
};

/* ---- core ---- */

/* Parts of struct kvm_regs and where they are here; an element is what one id names. */
struct core_part {
	uint16_t offset, size, element; /* in struct kvm_regs */
	uint16_t at;			/* in struct vcpu */
};

#define PART(member, element, ours)                                                                \
	{                                                                                          \
		offsetof(struct kvm_regs, member), sizeof(((struct kvm_regs *)0)->member),         \
			element, offsetof(struct vcpu, ours)                                       \
	}
static const struct core_part core_parts[] = {
	PART(regs.regs, 8, x),		PART(regs.sp, 8, regs.sp_el0),
	PART(regs.pc, 8, pc),		PART(regs.pstate, 8, pstate),
	PART(sp_el1, 8, regs.sp_el1),	PART(elr_el1, 8, regs.elr),
	PART(spsr[0], 8, regs.spsr),	PART(spsr[1], 8, spsr32[0]),
	PART(spsr[2], 8, spsr32[1]),	PART(spsr[3], 8, spsr32[2]),
	PART(spsr[4], 8, spsr32[3]),	PART(fp_regs.vregs, 16, fp.v),
	PART(fp_regs.fpsr, 4, fp.fpsr), PART(fp_regs.fpcr, 4, fp.fpcr),
};

/* With SVE, V registers are but parts of Z registers. */
static bool core_part_exists(const struct vcpu *vcpu, const struct core_part *p)
{
	return p->at != offsetof(struct vcpu, fp.v) || !vcpu_has_sve(vcpu);
}

/* Where the register is in the vCPU, its image being the newest state; NULL: no register begins
 * there, or it has another size. */
static void *core_slot(struct vcpu *vcpu, uint64_t id)
{
	uint64_t offset = INDEX(id) * sizeof(uint32_t);

	fp_sync(&vcpu->fp);
	for (unsigned i = 0; i < ARRAY_SIZE(core_parts); i++) {
		const struct core_part *p = &core_parts[i];

		if (offset < p->offset || offset >= (uint64_t)p->offset + p->size)
			continue;
		if ((offset - p->offset) % p->element || KVM_REG_SIZE(id) != p->element)
			return NULL;
		if (!core_part_exists(vcpu, p))
			return NULL;
		return (char *)vcpu + p->at + (offset - p->offset);
	}
	return NULL;
}

static int core_error(uint64_t id)
{
	return INDEX(id) * sizeof(uint32_t) + KVM_REG_SIZE(id) >= sizeof(struct kvm_regs) ? -ENOENT
											  : -EINVAL;
}

static int core_get(struct vcpu *vcpu, uint64_t id, union reg_value *value)
{
	void *slot = core_slot(vcpu, id);

	if (!slot)
		return core_error(id);
	memcpy(value, slot, KVM_REG_SIZE(id));
	return 0;
}

/* AArch64 at EL0 or EL1 only. */
static bool pstate_ok(uint64_t pstate)
{
	uint64_t mode = pstate & BITS(4, 0);

	return mode == 0 || mode == 4 || mode == 5;
}

static int core_set(struct vcpu *vcpu, uint64_t id, const union reg_value *value)
{
	void *slot = core_slot(vcpu, id);

	if (!slot)
		return core_error(id);
	if (slot == &vcpu->pstate && !pstate_ok(value->u64))
		return -EINVAL;
	memcpy(slot, value, KVM_REG_SIZE(id));
	return 0;
}

/* ---- system registers ---- */

/* Those of the guest bank and of the crossing, by the name the guest uses. */
struct bank_row {
	uint32_t reg, at;
};

#define X(field, hw, op0, op1, crn, crm, op2, reset)                                               \
	{ SYSREG(op0, op1, crn, crm, op2), offsetof(struct vcpu, regs.field) },
static const struct bank_row bank_rows[] = { GUEST_REGS(X) X(tpidr_el0, , 3, 3, 13, 0, 2, 0)
						     X(tpidrro_el0, , 3, 3, 13, 0, 3, 0) };
#undef X

/* The core registers have these. */
static bool is_core(uint32_t reg)
{
	return reg == SYSREG(3, 0, 4, 0, 0) || reg == SYSREG(3, 0, 4, 0, 1) ||
	       reg == SYSREG(3, 4, 4, 1, 0);
}

#define ZCR_EL1 SYSREG(3, 0, 1, 2, 0)

static uint64_t *bank_slot(struct vcpu *vcpu, uint32_t reg)
{
	if (reg == ZCR_EL1 && vcpu_has_sve(vcpu)) {
		fp_sync(&vcpu->fp);
		return &vcpu->fp.zcr_el1;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(bank_rows); i++)
		if (bank_rows[i].reg == reg && !is_core(reg))
			return (uint64_t *)((char *)vcpu + bank_rows[i].at);
	return NULL;
}

/* ---- timers: their numbers are KVM's own, CVAL and CNT of the virtual one swapped ---- */

static uint64_t ctl_with_status(uint64_t ctl, uint64_t cval, uint64_t now)
{
	ctl &= CNT_CTL_ENABLE | CNT_CTL_IMASK;
	return (ctl & CNT_CTL_ENABLE) && cval <= now ? ctl | CNT_CTL_ISTATUS : ctl;
}

static void set_counter(struct vcpu *vcpu, uint64_t now)
{
	vcpu->vm->counter_offset = timer_ticks() - now;
	vm_kick_all(vcpu->vm, REQ_COUNTER);
}

static bool timer_reg_get(struct vcpu *vcpu, uint32_t reg, uint64_t *value)
{
	struct guest_regs *regs = &vcpu->regs;
	uint64_t now = timer_ticks();

	switch (reg) {
	case INDEX(KVM_REG_ARM_TIMER_CNT):
		*value = now - vcpu->vm->counter_offset;
		return true;
	case INDEX(KVM_REG_ARM_TIMER_CVAL):
		*value = regs->cntv_cval;
		return true;
	case INDEX(KVM_REG_ARM_TIMER_CTL):
		*value = ctl_with_status(regs->cntv_ctl, regs->cntv_cval,
					 now - vcpu->vm->counter_offset);
		return true;
	case INDEX(KVM_REG_ARM_PTIMER_CNT):
		*value = now;
		return true;
	case INDEX(KVM_REG_ARM_PTIMER_CVAL):
		*value = regs->cntp_cval;
		return true;
	case INDEX(KVM_REG_ARM_PTIMER_CTL):
		*value = ctl_with_status(regs->cntp_ctl, regs->cntp_cval, now);
		return true;
	default:
		return false;
	}
}

static bool timer_reg_set(struct vcpu *vcpu, uint32_t reg, uint64_t value)
{
	switch (reg) {
	case INDEX(KVM_REG_ARM_TIMER_CNT):
		set_counter(vcpu, value);
		return true;
	case INDEX(KVM_REG_ARM_TIMER_CVAL):
		vcpu->regs.cntv_cval = value;
		return true;
	case INDEX(KVM_REG_ARM_TIMER_CTL):
		vcpu->regs.cntv_ctl = value & (CNT_CTL_ENABLE | CNT_CTL_IMASK);
		return true;
	case INDEX(KVM_REG_ARM_PTIMER_CNT): /* the host's own: it has no offset, the write is
					       accepted */
		return true;
	case INDEX(KVM_REG_ARM_PTIMER_CVAL):
		vcpu->regs.cntp_cval = value;
		return true;
	case INDEX(KVM_REG_ARM_PTIMER_CTL):
		vcpu->regs.cntp_ctl = value & (CNT_CTL_ENABLE | CNT_CTL_IMASK);
		return true;
	default:
		return false;
	}
}

static int system_get(struct vcpu *vcpu, uint64_t id, union reg_value *value)
{
	const struct sysreg_row *row;
	uint64_t *slot;

	if (KVM_REG_SIZE(id) != 8)
		return -ENOENT;
	if (timer_reg_get(vcpu, (uint32_t)INDEX(id), &value->u64))
		return 0;
	slot = bank_slot(vcpu, (uint32_t)INDEX(id));
	if (slot) {
		value->u64 = *slot;
		return 0;
	}
	row = sysreg_row((uint32_t)INDEX(id));
	if (!row || !row->listed)
		return -ENOENT;
	value->u64 = row->read(vcpu, (uint32_t)INDEX(id));
	return 0;
}

static int system_set(struct vcpu *vcpu, uint64_t id, const union reg_value *value)
{
	const struct sysreg_row *row;
	uint64_t *slot;

	if (KVM_REG_SIZE(id) != 8)
		return -ENOENT;
	if (timer_reg_set(vcpu, (uint32_t)INDEX(id), value->u64))
		return 0;
	slot = bank_slot(vcpu, (uint32_t)INDEX(id));
	if (slot) {
		*slot = value->u64;
		return 0;
	}
	row = sysreg_row((uint32_t)INDEX(id));
	if (!row || !row->listed)
		return -ENOENT;
	if (row->write) {
		row->write(vcpu, (uint32_t)INDEX(id), value->u64);
		return 0;
	}
	/* What never changes takes only the value it has. */
	return row->read(vcpu, (uint32_t)INDEX(id)) == value->u64 ? 0 : -EINVAL;
}

/* ---- firmware ---- */

static int firmware_get(struct vcpu *vcpu, uint64_t id, union reg_value *value)
{
	if (id != KVM_REG_ARM_PSCI_VERSION)
		return -ENOENT;
	value->u64 = vcpu->vm->psci.version ? vcpu->vm->psci.version : 1; /* 0.1 */
	return 0;
}

static int firmware_set(struct vcpu *vcpu, uint64_t id, const union reg_value *value)
{
	bool old = !(vcpu->features & BIT(KVM_ARM_VCPU_PSCI_0_2));

	if (id != KVM_REG_ARM_PSCI_VERSION)
		return -ENOENT;
	if (old)
		return value->u64 == 1 ? 0 : -EINVAL;
	if (!psci_version_ok(value->u64))
		return -EINVAL;
	vcpu->vm->psci.version = (uint32_t)value->u64;
	return 0;
}

/* ---- sizes of caches ---- */

static int cache_get(uint64_t id, union reg_value *value)
{
	if (KVM_REG_SIZE(id) != 4 ||
	    (INDEX(id) & KVM_REG_ARM_DEMUX_ID_MASK) != KVM_REG_ARM_DEMUX_ID_CCSIDR)
		return -ENOENT;
	return id_ccsidr(INDEX(id) & KVM_REG_ARM_DEMUX_VAL_MASK, &value->u32) ? 0 : -ENOENT;
}

static int cache_set(uint64_t id, const union reg_value *value)
{
	union reg_value now;
	int err = cache_get(id, &now);

	if (err)
		return err;
	return now.u32 == value->u32 ? 0 : -EINVAL;
}

/* ---- all of them ---- */

static uint64_t system_id(uint32_t reg)
{
	return KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM64_SYSREG | reg;
}

/* Bits that say nothing are zero: no register has two numbers. (SVE's are compared whole.) And none
 * is larger than a Z register. */
static __attribute__((noinline)) int check_rare_id(uint64_t id)
{
	if ((id & ~KVM_REG_SIZE_MASK) >> 32 != KVM_REG_ARM64 >> 32)
		return -EINVAL;
	if (id & BITS(31, 28) && KIND(id) != KVM_REG_ARM64_SVE)
		return -ENOENT;
	if (KVM_REG_SIZE(id) <= SVE_REG_MOST)
		return 0;
	return KIND(id) == KVM_REG_ARM64_SVE  ? -EINVAL
	       : KIND(id) == KVM_REG_ARM_CORE ? core_error(id)
					      : -ENOENT;
}

/* Nearly all are system registers of 64 bits, whose number has no other bits. */
static inline int check_id(uint64_t id)
{
	return id >> 16 == system_id(0) >> 16 ? 0 : check_rare_id(id);
}

static int reg_get(struct vcpu *vcpu, uint64_t id, union reg_value *value)
{
	switch (KIND(id)) {
	case KVM_REG_ARM_CORE:
		return core_get(vcpu, id, value);
	case KVM_REG_ARM64_SYSREG:
		return system_get(vcpu, id, value);
	case KVM_REG_ARM_FW:
		return firmware_get(vcpu, id, value);
	case KVM_REG_ARM_DEMUX:
		return cache_get(id, value);
	case KVM_REG_ARM64_SVE:
		fp_sync(&vcpu->fp);
		return sve_reg_get(vcpu, id, value);
	default:
		return -ENOENT;
	}
}

static int reg_set(struct vcpu *vcpu, uint64_t id, const union reg_value *value)
{
	switch (KIND(id)) {
	case KVM_REG_ARM_CORE:
		return core_set(vcpu, id, value);
	case KVM_REG_ARM64_SYSREG:
		return system_set(vcpu, id, value);
	case KVM_REG_ARM_FW:
		return firmware_set(vcpu, id, value);
	case KVM_REG_ARM_DEMUX:
		return cache_set(id, value);
	case KVM_REG_ARM64_SVE:
		fp_sync(&vcpu->fp);
		return sve_reg_set(vcpu, id, value);
	default:
		return -ENOENT;
	}
}

long vcpu_get_one_reg(struct vcpu *vcpu, uint64_t user_reg)
{
	union reg_value value = { 0 };
	struct kvm_one_reg reg;
	int err;

	if (get_user(reg, user_reg))
		return -EFAULT;
	err = check_id(reg.id);
	if (err)
		return err;
	bank_evict(&vcpu->bank);
	err = reg_get(vcpu, reg.id, &value);
	return err ? err : copy_to_user(reg.addr, &value, KVM_REG_SIZE(reg.id));
}

/* As much of a value as the size in id says. */
static int get_value(union reg_value *value, const struct kvm_one_reg *reg)
{
	size_t size = KVM_REG_SIZE(reg->id);

	if ((reg->id & KVM_REG_SIZE_MASK) == KVM_REG_SIZE_U64)
		return get_user(value->u64, reg->addr);
	return copy_from_user(value, reg->addr, size);
}

long vcpu_set_one_reg(struct vcpu *vcpu, uint64_t user_reg)
{
	struct kvm_one_reg reg;
	union reg_value value;
	int err;

	if (get_user(reg, user_reg))
		return -EFAULT;
	err = check_id(reg.id);
	if (!err)
		err = get_value(&value, &reg);
	if (err)
		return err;
	bank_evict(&vcpu->bank);
	return reg_set(vcpu, reg.id, &value);
}

/* ---- the list ---- */

/* Counts, and writes to the VMM's memory while there is room. */
struct reg_list {
	uint64_t to; /* user address of the next entry; 0: count only */
	uint64_t count;
	int err;
};

static void list_add(struct reg_list *list, uint64_t id)
{
	list->count++;
	if (!list->to || list->err)
		return;
	list->err = put_user(id, list->to);
	list->to += sizeof(id);
}

static void list_core(struct reg_list *list, const struct vcpu *vcpu)
{
	static const uint64_t sizes[] = {
		[4] = KVM_REG_SIZE_U32, [8] = KVM_REG_SIZE_U64, [16] = KVM_REG_SIZE_U128
	};

	for (unsigned i = 0; i < ARRAY_SIZE(core_parts); i++) {
		const struct core_part *p = &core_parts[i];

		for (unsigned at = 0; core_part_exists(vcpu, p) && at < p->size; at += p->element)
			list_add(list, KVM_REG_ARM64 | sizes[p->element] | KVM_REG_ARM_CORE |
					       (p->offset + at) / sizeof(uint32_t));
	}
}

static void list_system(struct reg_list *list)
{
	const struct sysreg_row *row;

	for (unsigned i = 0; i < ARRAY_SIZE(bank_rows); i++)
		if (!is_core(bank_rows[i].reg))
			list_add(list, system_id(bank_rows[i].reg));
	for (unsigned i = 0; (row = sysreg_row_at(i)); i++)
		if (row->listed)
			list_add(list, system_id(row->reg));
	for (uint32_t reg = ID_REG_FIRST; reg <= ID_REG_LAST; reg++)
		list_add(list, system_id(reg));
}

static void list_other(struct reg_list *list)
{
	static const uint64_t timers[] = { KVM_REG_ARM_TIMER_CTL,  KVM_REG_ARM_TIMER_CNT,
					   KVM_REG_ARM_TIMER_CVAL, KVM_REG_ARM_PTIMER_CTL,
					   KVM_REG_ARM_PTIMER_CNT, KVM_REG_ARM_PTIMER_CVAL };
	uint32_t ignored;

	for (unsigned i = 0; i < ARRAY_SIZE(timers); i++)
		list_add(list, timers[i]);
	list_add(list, KVM_REG_ARM_PSCI_VERSION);
	for (unsigned i = 0; i <= KVM_REG_ARM_DEMUX_VAL_MASK; i++)
		if (id_ccsidr(i, &ignored))
			list_add(list, KVM_REG_ARM64 | KVM_REG_SIZE_U32 | KVM_REG_ARM_DEMUX |
					       KVM_REG_ARM_DEMUX_ID_CCSIDR | i);
}

static void list_sve(struct reg_list *list, const struct vcpu *vcpu)
{
	uint64_t id;

	if (!vcpu_has_sve(vcpu))
		return;
	list_add(list, system_id(ZCR_EL1));
	for (unsigned n = 0; (id = sve_reg_id(n)); n++)
		list_add(list, id);
}

static void list_all(struct reg_list *list, const struct vcpu *vcpu)
{
	list_core(list, vcpu);
	list_sve(list, vcpu);
	list_system(list);
	list_other(list);
}

int vcpu_get_reg_list(struct vcpu *vcpu, uint64_t user_list)
{
	struct reg_list list = { 0 };
	uint64_t room;
	int err;

	if (!vcpu->initialised)
		return -ENOEXEC;
	if (!vcpu_is_finalized(vcpu))
		return -EPERM;
	err = get_user(room, user_list);
	if (err)
		return err;
	list_all(&list, vcpu);
	err = put_user(list.count, user_list);
	if (err)
		return err;
	if (room < list.count)
		return -E2BIG;
	list = (struct reg_list){ .to = user_list + sizeof(uint64_t) };
	list_all(&list, vcpu);
	return list.err;
}
