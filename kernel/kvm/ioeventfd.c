/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VM's ioeventfds (KVM_IOEVENTFD in Linux's Documentation/virt/kvm/api.rst). Entered from mmio.c
 * for every store the virtual GIC does not answer, so a VM without ioeventfds takes no lock.
 * devices->lock is a spinlock, not taken in interrupts; eventfd_signal() is called under it.
 */
#include "kvm/ioeventfd.h"

#include <linux/errno.h>

#include "lib/list.h"
#include "linux/fs/file.h"
#include "mm/slab.h"

struct ioeventfd {
	struct list link;
	struct file *eventfd; /* one reference */
	uint64_t ipa, datamatch;
	unsigned bytes; /* 0: any width */
	bool wildcard;	/* any value */
};

struct vm_devices {
	struct spinlock lock; /* covers ioeventfds, and vm->ioeventfd_count */
	struct list ioeventfds;
};

int ioeventfd_init(struct vm *vm)
{
	vm->devices = kzalloc(sizeof(*vm->devices));
	if (!vm->devices)
		return -ENOMEM;
	list_init(&vm->devices->ioeventfds);
	return 0;
}

static void release(struct ioeventfd *io)
{
	file_put(io->eventfd);
	kfree(io);
}

void ioeventfd_destroy(struct vm *vm)
{
	struct list *all = &vm->devices->ioeventfds;

	while (!list_empty(all)) {
		struct ioeventfd *io = list_first(all, struct ioeventfd, link);

		list_remove(&io->link);
		release(io);
	}
	kfree(vm->devices);
}

/* ---- the guest stores ---- */

static bool matches(const struct ioeventfd *io, uint64_t ipa, unsigned bytes, uint64_t value)
{
	if (io->ipa != ipa)
		return false;
	return !io->bytes || (io->bytes == bytes && (io->wildcard || io->datamatch == value));
}

bool ioeventfd_write(struct vm *vm, uint64_t ipa, unsigned bytes, uint64_t value)
{
	struct vm_devices *devices = vm->devices;
	struct ioeventfd *io;
	bool taken = false;

	spin_lock(&devices->lock);
	list_for_each(io, &devices->ioeventfds, link) {
		taken = matches(io, ipa, bytes, value);
		if (taken) {
			eventfd_signal(io->eventfd, 1);
			break;
		}
	}
	spin_unlock(&devices->lock);
	return taken;
}

/* ---- the VMM changes them ---- */

static int check_args(const struct kvm_ioeventfd *args)
{
	const uint32_t known = KVM_IOEVENTFD_FLAG_DATAMATCH | KVM_IOEVENTFD_FLAG_DEASSIGN;

	if (args->len > 8 || (args->len & (args->len - 1)))
		return -EINVAL;
	if (args->addr + args->len < args->addr || (args->flags & ~known))
		return -EINVAL;
	return !args->len && (args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH) ? -EINVAL : 0;
}

static struct ioeventfd *make(const struct kvm_ioeventfd *args, struct file *eventfd)
{
	struct ioeventfd *io = kzalloc(sizeof(*io));

	if (!io)
		return NULL;
	io->eventfd = eventfd;
	io->ipa = args->addr;
	io->bytes = args->len;
	io->wildcard = !(args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH);
	io->datamatch = io->wildcard ? 0 : args->datamatch;
	return io;
}

/* Is there a store that both would take? */
static bool collides(const struct ioeventfd *a, const struct ioeventfd *b)
{
	if (a->ipa != b->ipa)
		return false;
	if (!a->bytes || !b->bytes)
		return true;
	return a->bytes == b->bytes && (a->wildcard || b->wildcard || a->datamatch == b->datamatch);
}

static void count(struct vm *vm, int more)
{
	__atomic_store_n(&vm->ioeventfd_count, vm->ioeventfd_count + (unsigned)more,
			 __ATOMIC_RELAXED);
}

static int assign(struct vm *vm, struct ioeventfd *new)
{
	struct vm_devices *devices = vm->devices;
	struct ioeventfd *io;
	int err = 0;

	spin_lock(&devices->lock);
	list_for_each(io, &devices->ioeventfds, link)
		if (collides(io, new))
			err = -EEXIST;
	if (!err) {
		list_append(&devices->ioeventfds, &new->link);
		count(vm, 1);
	}
	spin_unlock(&devices->lock);
	return err;
}

static bool same(const struct ioeventfd *a, const struct ioeventfd *b)
{
	return a->eventfd == b->eventfd && a->ipa == b->ipa && a->bytes == b->bytes &&
	       a->wildcard == b->wildcard && a->datamatch == b->datamatch;
}

static int deassign(struct vm *vm, const struct ioeventfd *like)
{
	struct vm_devices *devices = vm->devices;
	struct ioeventfd *io, *found = NULL;

	spin_lock(&devices->lock);
	list_for_each(io, &devices->ioeventfds, link)
		if (!found && same(io, like))
			found = io;
	if (found) {
		list_remove(&found->link);
		count(vm, -1);
	}
	spin_unlock(&devices->lock);
	if (!found)
		return -ENOENT;
	release(found);
	return 0;
}

int ioeventfd_change(struct vm *vm, const struct kvm_ioeventfd *args)
{
	struct file *eventfd;
	struct ioeventfd *io;
	int err = check_args(args);

	if (!err)
		err = eventfd_from_fd(args->fd, &eventfd);
	if (err)
		return err;
	io = make(args, eventfd);
	if (!io) {
		file_put(eventfd);
		return -ENOMEM;
	}
	if (args->flags & KVM_IOEVENTFD_FLAG_DEASSIGN) {
		err = deassign(vm, io);
		release(io);
		return err;
	}
	err = assign(vm, io);
	if (err)
		release(io);
	return err;
}
