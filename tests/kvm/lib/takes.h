/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that counts the interrupts it takes, by number, and a VM that sends it all kinds: its
 * timer, an SGI, edges by KVM_IRQ_LINE and by eventfd, levels.
 */
#pragma once
#include "tests/kvm/lib/vm.h"

/* Interrupts from EDGE0 on are edges, of these from FDS0 on by eventfd. */
enum { TIMER = 27, SGI = 5, EDGE0 = 32, FDS0 = 36, LEVEL0 = 40, IRQS = 48, ENABLE = 1 };

/* In guest memory: how often each was taken; timer interrupts before their time. */
extern volatile uint32_t taken[IRQS], early;

/* ---- in the guest ---- */
/* This vCPU's controller on, all of these enabled and routed to it. */
GUEST void takes_begin(void (*handler)(struct guest_cpu *));
/* The virtual timer: deadline and control. */
GUEST void takes_timer(uint64_t due, uint64_t ctl);
/* A handler where nothing but the timer comes: counted, and the timer is off. */
GUEST void takes_timer_off(struct guest_cpu *cpu);
GUEST uint64_t takes_now(void);
/* n microseconds in ticks. */
GUEST uint64_t takes_us(uint64_t n);

/* ---- in the VMM ---- */
void takes_create(struct vm *vm, int vcpus);
void takes_destroy(struct vm *vm);
/* Line n up and down. */
void takes_pulse(struct vm *vm, unsigned n);
/* The eventfd of interrupt FDS0 + i. */
void takes_signal(unsigned i);
