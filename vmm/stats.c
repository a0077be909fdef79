/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table `stet run --stats` prints at the end: why the guest left its vCPUs, from the host's own
 * counters (KVM_GET_STATS_FD, cumulative ones only), and which device its accesses went to, from
 * ours. A guest that rebooted was several machines: counters of the same name are added up. On a
 * Stet host its counters of CPUs and register banks follow, from /proc/stet/machine. Manual: Linux's
 * Documentation/virt/kvm/api.rst, section 4.133.
 */
#include "stats.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vm.h"

static void add(struct stats *stats, const char *name, uint64_t value)
{
	struct stat_row *row = stats->rows;

	if (!value)
		return;
	while (row < stats->rows + stats->count && strcmp(row->name, name))
		row++;
	if (row == stats->rows + STATS_MAX)
		return;
	if (row == stats->rows + stats->count) {
		snprintf(row->name, sizeof(row->name), "%s", name);
		stats->count++;
	}
	row->value += value;
}

static bool is_counter(const struct kvm_stats_desc *desc)
{
	return (desc->flags & KVM_STATS_TYPE_MASK) == KVM_STATS_TYPE_CUMULATIVE &&
	       (desc->flags & KVM_STATS_UNIT_MASK) == KVM_STATS_UNIT_NONE && desc->size == 1;
}

static bool read_at(int fd, void *out, size_t bytes, uint64_t offset)
{
	return pread(fd, out, bytes, (off_t)offset) == (ssize_t)bytes;
}

static void add_counters(struct stats *stats, int fd, const struct kvm_stats_header *header)
{
	size_t desc_size = sizeof(struct kvm_stats_desc) + header->name_size;
	struct kvm_stats_desc *desc = calloc(1, desc_size + 1); /* a last name without an end */

	for (uint32_t i = 0; desc && i < header->num_desc; i++) {
		uint64_t value;

		if (!read_at(fd, desc, desc_size, header->desc_offset + i * desc_size))
			break;
		if (is_counter(desc) &&
		    read_at(fd, &value, sizeof(value), header->data_offset + desc->offset))
			add(stats, desc->name, value);
	}
	free(desc);
}

/* The statistics of a vCPU, if the host has any. The VM's own are sums of these or of no use here.
 */
static void add_vcpu(struct stats *stats, int vcpu_fd)
{
	struct kvm_stats_header header;
	int fd = ioctl(vcpu_fd, KVM_GET_STATS_FD, 0);

	if (fd < 0)
		return;
	if (read_at(fd, &header, sizeof(header), 0) && header.name_size < 4096)
		add_counters(stats, fd, &header);
	close(fd);
}

static void add_bus(struct stats *stats, struct bus *bus)
{
	char name[STATS_NAME_MAX];

	for (unsigned i = 0; i < bus->count; i++) {
		snprintf(name, sizeof(name), "register accesses: %s", bus->ranges[i].name);
		add(stats, name, atomic_load(&bus->ranges[i].accesses));
	}
	add(stats, "register accesses: nobody's", atomic_load(&bus->unclaimed));
}

void stats_add(struct stats *stats, struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		add_vcpu(stats, vm->vcpus[i].fd);
	add_bus(stats, &vm->bus);
}

static void print_proc_stet(void)
{
	char text[1024];
	ssize_t n;
	int fd = open("/proc/stet/machine", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	while ((n = read(fd, text, sizeof(text))) > 0)
		fwrite(text, 1, (size_t)n, stderr);
	close(fd);
}

void stats_print(const struct stats *stats, const char *title)
{
	fprintf(stderr, "%s\n", title);
	for (unsigned i = 0; i < stats->count; i++)
		fprintf(stderr, "  %-36s %12llu\n", stats->rows[i].name,
			(unsigned long long)stats->rows[i].value);
	print_proc_stet();
}
