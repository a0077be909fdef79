/* SPDX-License-Identifier: BSD-2-Clause */
/* What a panic does to the other CPUs, and what to do about one that does not answer. */
#pragma once

struct trapframe;

/* IPI_STOP has come: says what this CPU was doing if that is what is asked, and stops. NULL: not
 * known. */
_Noreturn void panic_stop_cpu(const struct trapframe *tf);
/* Have that CPU print its registers and callers, by FIQ, though it masks interrupts. It stops; the
 * caller is about to panic. */
void panic_show_cpu(unsigned cpu);
/* That CPU has not answered for seconds: it prints its registers (by FIQ, though it masks
 * interrupts), then all ends. why: what was waited for. */
_Noreturn void panic_cpu_stuck(unsigned cpu, const char *why);
