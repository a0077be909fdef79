/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Statistics of a VM and of a vCPU in Linux's binary format (KVM_GET_STATS_FD in api.rst): a file
 * with a header, the name of what it is about, a descriptor for each counter, and the counters
 * themselves, which are read anew each time. All is laid out by one table of rows for each kind.
 *
 * A VM's counters are the sums of its vCPUs'. They are written by the vCPUs' own threads without a
 * lock; a 64-bit load is never torn.
 */
#include "kvm/api.h"

#include <linux/errno.h>

#include "kvm/vcpu.h"
#include "lib/bits.h"
#include "lib/relaxed.h"
#include "lib/string.h"
#include "mm/slab.h"

#define NAME_SIZE 48
#define MAX_ROWS  16

struct stat_row {
	char name[NAME_SIZE];
	size_t offset;	/* in struct vcpu_stats */
	unsigned count; /* of counters there whose sum it is */
	bool less_wfe;	/* without the WFEs among them */
};

/* Named as in Linux where it counts the same. */
#define ROW(name, field)  { name, offsetof(struct vcpu_stats, field), 1, false }
#define SUM(name, ec, n)  { name, offsetof(struct vcpu_stats, exits[ec]), n, false }
static const struct stat_row rows[] = {
	SUM("exits", 0, EXIT_CAUSES),
	SUM("hvc_exit_stat", EC_HVC64, 1),
	ROW("wfe_exit_stat", wfe),
	{ "wfi_exit_stat", offsetof(struct vcpu_stats, exits[EC_WFX]), 1, true },
	SUM("sysreg_exit_stat", EC_SYSREG, 1),
	ROW("mmio_exit_kernel", mmio_kernel),
	ROW("mmio_exit_user", mmio_vmm),
	ROW("stage2_faults", s2_faults),
	SUM("irq_exits", EC_COUNT, EXIT_CAUSES - EC_COUNT),
	SUM("fp_traps", EC_FP, 1),
	SUM("sve_traps", EC_SVE, 1),
	ROW("signal_exits", signals),
	ROW("blocks", blocks),
	ROW("crossings", crossings),
};
#define ROWS ARRAY_SIZE(rows)
_Static_assert(ROWS <= MAX_ROWS, "struct image");

struct desc {
	struct kvm_stats_desc desc;
	char name[NAME_SIZE];
};

/* The file as it is read. */
struct image {
	struct kvm_stats_header header;
	char id[NAME_SIZE];
	struct desc descs[ROWS];
	uint64_t data[ROWS];
};

struct stats_file {
	struct vm *vm;	   /* one reference */
	struct vcpu *vcpu; /* NULL: of the whole VM */
};

static uint64_t count(const struct vcpu *vcpu, const struct stat_row *row)
{
	const uint64_t *stats = (const uint64_t *)((const char *)&vcpu->stats + row->offset);
	uint64_t sum = 0;

	for (unsigned i = 0; i < row->count; i++)
		sum += __atomic_load_n(&stats[i], __ATOMIC_RELAXED);
	/* One that is just being counted is a WFI until it is known to be a WFE. */
	return row->less_wfe ? sum - min(sum, relaxed_u64(&vcpu->stats.wfe)) : sum;
}

static uint64_t count_all(const struct stats_file *s, const struct stat_row *row)
{
	struct vcpu *vcpu;
	uint64_t sum = 0;
	unsigned i;

	if (s->vcpu)
		return count(s->vcpu, row);
	vm_for_each_vcpu(i, vcpu, s->vm) sum += count(vcpu, row);
	return sum;
}

static void describe(struct desc *d, const struct stat_row *row, unsigned index)
{
	d->desc.flags = KVM_STATS_TYPE_CUMULATIVE | KVM_STATS_UNIT_NONE | KVM_STATS_BASE_POW10;
	d->desc.size = 1;
	d->desc.offset = index * sizeof(uint64_t);
	memcpy(d->name, row->name, NAME_SIZE);
}

static void fill(const struct stats_file *s, struct image *image)
{
	image->header = (struct kvm_stats_header){
		.name_size = NAME_SIZE,
		.num_desc = ROWS,
		.id_offset = offsetof(struct image, id),
		.desc_offset = offsetof(struct image, descs),
		.data_offset = offsetof(struct image, data),
	};
	if (s->vcpu)
		snprintf(image->id, NAME_SIZE, "kvm-%d/vcpu-%u", s->vm->pid, s->vcpu->id);
	else
		snprintf(image->id, NAME_SIZE, "kvm-%d", s->vm->pid);
	for (unsigned i = 0; i < ROWS; i++) {
		describe(&image->descs[i], &rows[i], i);
		image->data[i] = count_all(s, &rows[i]);
	}
}

static ssize_t stats_read(struct file *f, struct iter *to, loff_t *pos)
{
	struct image *image;
	ssize_t done = 0;

	if (*pos < 0 || *pos >= (loff_t)sizeof(*image))
		return 0;
	image = kzalloc(sizeof(*image));
	if (!image)
		return -ENOMEM;
	fill(f->data, image);
	done = (ssize_t)min(iter_left(to), sizeof(*image) - (size_t)*pos);
	if (iter_put(to, (char *)image + *pos, (size_t)done))
		done = -EFAULT;
	else
		*pos += done;
	kfree(image);
	return done;
}

static void stats_release(struct file *f)
{
	struct stats_file *s = f->data;

	vm_put(s->vm);
	kfree(s);
}

static loff_t stats_seek(struct file *f, loff_t offset, int whence)
{
	if (whence == 1)
		offset += f->pos;
	if (whence > 1 || offset < 0)
		return -EINVAL;
	f->pos = offset;
	return offset;
}

static const struct file_ops stats_file_ops = {
	.read = stats_read,
	.seek = stats_seek,
	.release = stats_release,
};

static long stats_open(struct vm *vm, struct vcpu *vcpu)
{
	struct stats_file *s = kzalloc(sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->vm = vm;
	s->vcpu = vcpu;
	vm_get(vm);
	return api_install(&stats_file_ops, s);
}

long stats_open_vm(struct vm *vm)
{
	return stats_open(vm, NULL);
}

long stats_open_vcpu(struct vcpu *vcpu)
{
	return stats_open(vcpu->vm, vcpu);
}
