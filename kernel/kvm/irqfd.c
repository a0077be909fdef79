/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * irqfds and GSI routing of a VM (KVM_IRQFD, KVM_SET_GSI_ROUTING in Linux's api.rst). An irqfd is a
 * callback in its eventfd's wait queue: whoever signals the eventfd, in whatever context, raises
 * and lowers the SPI, which latches it if it is an edge. Without a routing table GSI n is SPI n.
 *
 * irqfds->mutex covers the list and the routing table; what an irqfd is routed to now stands in it,
 * for whoever signals it.
 */
#include "kvm/irqfd.h"

#include <linux/errno.h>
#include <linux/poll.h>

#include "arch/usercopy.h"
#include "kvm/vgic/vgic.h"
#include "lib/list.h"
#include "linux/fs/file.h"
#include "mm/slab.h"

#define MAX_ROUTES 4096u /* KVM_CAP_IRQ_ROUTING */
#define NO_ROUTE   0xffffu

struct irqfd {
	struct list link;
	struct wait_entry entry;
	struct vm *vm;
	struct file *eventfd; /* one reference */
	uint32_t gsi;
	_Atomic uint16_t spi; /* what it is routed to now, or NO_ROUTE */
};

struct vm_irqfds {
	struct mutex mutex; /* covers all of this */
	struct list all;
	uint16_t *routes; /* GSI -> SPI; NULL: the default */
};

int irqfd_init(struct vm *vm)
{
	vm->irqfds = kzalloc(sizeof(*vm->irqfds));
	if (!vm->irqfds)
		return -ENOMEM;
	mutex_init(&vm->irqfds->mutex);
	list_init(&vm->irqfds->all);
	return 0;
}

static void detach(struct irqfd *irqfd)
{
	wait_remove(eventfd_queue(irqfd->eventfd), &irqfd->entry);
	list_remove(&irqfd->link);
	file_put(irqfd->eventfd);
	kfree(irqfd);
}

void irqfd_release(struct vm *vm)
{
	struct vm_irqfds *irqfds = vm->irqfds;

	mutex_lock(&irqfds->mutex);
	while (!list_empty(&irqfds->all))
		detach(list_first(&irqfds->all, struct irqfd, link));
	mutex_unlock(&irqfds->mutex);
}

void irqfd_destroy(struct vm *vm)
{
	irqfd_release(vm);
	kfree(vm->irqfds->routes);
	kfree(vm->irqfds);
}

/* ---- an eventfd was signalled ---- */

static void raise(struct irqfd *irqfd)
{
	unsigned spi = atomic_load_explicit(&irqfd->spi, memory_order_relaxed);

	if (spi != NO_ROUTE)
		vgic_pulse(irqfd->vm, VGIC_PRIVATE + spi);
}

/* In the eventfd's queue, its lock held. */
static bool signalled(struct wait_entry *entry, uint32_t key)
{
	struct irqfd *irqfd = container_of(entry, struct irqfd, entry);

	if ((!key || (key & POLLIN)) && eventfd_take_locked(irqfd->eventfd))
		raise(irqfd);
	return false;
}

/* ---- the VMM changes them ---- */

/* The SPI of a GSI, or NO_ROUTE. Mutex held. */
static uint16_t route(const struct vm_irqfds *irqfds, uint32_t gsi)
{
	uint32_t spi = gsi;

	if (irqfds->routes)
		spi = gsi < MAX_ROUTES ? irqfds->routes[gsi] : NO_ROUTE;
	return spi < VGIC_MAX_IRQS ? (uint16_t)spi : NO_ROUTE;
}

static int attach(struct vm_irqfds *irqfds, struct irqfd *new)
{
	struct irqfd *irqfd;
	int err = 0;

	mutex_lock(&irqfds->mutex);
	list_for_each(irqfd, &irqfds->all, link)
		if (irqfd->eventfd == new->eventfd)
			err = -EBUSY;
	if (!err) {
		new->spi = route(irqfds, new->gsi);
		list_append(&irqfds->all, &new->link);
		wait_add(eventfd_queue(new->eventfd), &new->entry);
		if (eventfd_take(new->eventfd)) /* signalled before */
			raise(new);
	}
	mutex_unlock(&irqfds->mutex);
	return err;
}

static int assign(struct vm *vm, const struct kvm_irqfd *args, struct file *eventfd)
{
	struct irqfd *irqfd;
	int err;

	if (!vm->vgic || !vm->vgic->initialised)
		return -EAGAIN;
	irqfd = kzalloc(sizeof(*irqfd));
	if (!irqfd)
		return -ENOMEM;
	irqfd->vm = vm;
	irqfd->eventfd = eventfd;
	irqfd->gsi = args->gsi;
	irqfd->entry.func = signalled;
	err = attach(vm->irqfds, irqfd);
	if (err)
		kfree(irqfd);
	return err;
}

static void deassign(struct vm_irqfds *irqfds, const struct file *eventfd, uint32_t gsi)
{
	struct irqfd *irqfd, *next;

	mutex_lock(&irqfds->mutex);
	list_for_each_safe(irqfd, next, &irqfds->all,
			   link) if (irqfd->eventfd == eventfd && irqfd->gsi == gsi) detach(irqfd);
	mutex_unlock(&irqfds->mutex);
}

int irqfd_change(struct vm *vm, const struct kvm_irqfd *args)
{
	struct file *eventfd;
	int err;

	if (args->flags & ~KVM_IRQFD_FLAG_DEASSIGN)
		return -EINVAL;
	err = eventfd_from_fd((int)args->fd, &eventfd);
	if (err)
		return err;
	if (args->flags & KVM_IRQFD_FLAG_DEASSIGN) {
		deassign(vm->irqfds, eventfd, args->gsi);
		file_put(eventfd);
		return 0;
	}
	err = assign(vm, args, eventfd);
	if (err)
		file_put(eventfd);
	return err;
}

/* ---- routing ---- */

/* Only the GIC's own pins: there is no ITS, so no MSI. A GSI has one route. */
static int read_route(uint16_t *routes, uint64_t user)
{
	struct kvm_irq_routing_entry e;

	if (get_user(e, user))
		return -EFAULT;
	if (e.type != KVM_IRQ_ROUTING_IRQCHIP || e.flags || e.gsi >= MAX_ROUTES)
		return -EINVAL;
	if (e.u.irqchip.irqchip || e.u.irqchip.pin >= 1020 - VGIC_PRIVATE)
		return -EINVAL;
	if (routes[e.gsi] != NO_ROUTE)
		return -EINVAL;
	routes[e.gsi] = (uint16_t)e.u.irqchip.pin;
	return 0;
}

static int read_routes(uint16_t *routes, unsigned count, uint64_t user)
{
	int err = 0;

	for (unsigned i = 0; i < MAX_ROUTES; i++)
		routes[i] = NO_ROUTE;
	for (unsigned i = 0; i < count && !err; i++)
		err = read_route(routes, user + i * sizeof(struct kvm_irq_routing_entry));
	return err;
}

int irqfd_set_routing(struct vm *vm, const struct kvm_irq_routing *head, uint64_t user_entries)
{
	struct vm_irqfds *irqfds = vm->irqfds;
	uint16_t *routes, *old;
	struct irqfd *irqfd;
	int err;

	if (head->nr > MAX_ROUTES || head->flags)
		return -EINVAL;
	routes = kcalloc(MAX_ROUTES, sizeof(*routes));
	if (!routes)
		return -ENOMEM;
	err = read_routes(routes, head->nr, user_entries);
	if (err) {
		kfree(routes);
		return err;
	}
	mutex_lock(&irqfds->mutex);
	old = irqfds->routes;
	irqfds->routes = routes;
	list_for_each(irqfd, &irqfds->all, link)
		irqfd->spi = route(irqfds, irqfd->gsi);
	mutex_unlock(&irqfds->mutex);
	kfree(old);
	return 0;
}
