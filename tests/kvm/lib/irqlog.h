/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest that writes down the interrupts it takes, and waits for them. */
#pragma once
#include "tests/kvm/lib/guest.h"

enum { IRQ_LOG = 64 };

/* What came, in order; how many in all and on each vCPU. For guests whose vCPUs take turns. */
extern volatile uint32_t irq_log[IRQ_LOG], irq_count, per_cpu[8];

/* The handler that fills the log. */
GUEST void on_log(struct guest_cpu *cpu);
/* This vCPU's controller on, with that handler. */
GUEST void irq_setup(void (*handler)(struct guest_cpu *));
/* Wait for n interrupts in all; false if they do not come. */
GUEST bool wait_count(uint32_t n);
GUEST void spin_us(uint64_t us);
