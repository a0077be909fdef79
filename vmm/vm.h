/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus.h"
#include "layout.h"
#include "memory.h"
#include "vcpu.h"

/* Why a virtual machine ended. VM_RUNNING: it has not. */
enum vm_end {
	VM_RUNNING,
	VM_POWEROFF, /* the guest switched itself off */
	VM_RESET,    /* the guest asked to be started again */
	VM_CRASH,    /* the guest said that it crashed */
	VM_ERROR,    /* the host cannot run the guest any further; said on stderr */
	VM_QUIT,     /* the user's escape key */
	VM_STOPPED,  /* `stet stop` */
};

struct vm {
	int fd, gic_fd;
	size_t run_size; /* bytes of a vCPU's shared page(s) */
	struct guest_memory memory;
	struct bus bus;
	struct vcpu vcpus[VCPUS_MAX];
	unsigned vcpu_count;
	pthread_mutex_t lock; /* covers end */
	pthread_cond_t ended;
	enum vm_end end;
};

/* What a virtual machine is made of. */
struct vm_config {
	uint64_t memory; /* bytes */
	unsigned vcpus;
	bool sve; /* vCPUs have SVE */
};

/* Open /dev/kvm, once. Ends the program with a message if it is missing or lacks what we need. */
int vm_open_kvm(void);

/* Make a virtual machine with its memory, vCPUs and interrupt controller. Dies if it cannot. */
void vm_create(struct vm *vm, int kvm, const struct vm_config *config);

/* Start all vCPU threads. vCPU 0 begins at `entry` with x0 = `argument`, the others are off. */
void vm_start(struct vm *vm, uint64_t entry, uint64_t argument);

/* Say that the machine has ended; the first reason given counts. From any thread. */
void vm_stop(struct vm *vm, enum vm_end why);

/* Wait for vm_stop(), take all vCPUs out of the guest for good, tell why. */
enum vm_end vm_wait(struct vm *vm);

/* Wait for the vCPUs' threads, which may still be in a device. After vm_wait(). */
void vm_join(struct vm *vm);

/* Give everything back. No thread may use the machine any more. */
void vm_destroy(struct vm *vm);

/* Drive the line of a level-triggered SPI. */
void vm_irq_line(struct vm *vm, unsigned spi, int level);

/* Each write to eventfd `fd` makes the edge-triggered `spi` pending. */
void vm_irqfd(struct vm *vm, unsigned spi, int fd);

/* A 32-bit store of `value` to `address` adds one to eventfd `fd` and does not leave the host. */
void vm_ioeventfd(struct vm *vm, uint64_t address, uint32_t value, int fd);
