/* SPDX-License-Identifier: BSD-2-Clause */
/* PSCI calls to the firmware (Arm DEN 0022): CPUs on, the machine off. */
#pragma once

#include "lib/types.h"

/* hvc: the device tree says method = "hvc"; otherwise smc. */
void power_init(bool hvc);
/* Start the CPU with that MPIDR at a physical address, x0 = context. 0, or PSCI's negative error.
 */
int power_cpu_on(uint64_t mpidr, pa_t entry, uint64_t context);
/* Switch the calling CPU off. Masked; everything of it has been moved. */
_Noreturn void power_cpu_off(void);
/* Has that CPU really gone? */
bool power_cpu_is_off(uint64_t mpidr);
/* The first program's status (0-255) goes to the runner as a line of the log; then off. */
_Noreturn void machine_power_off(int status);
_Noreturn void machine_reboot(void);
/* After a panic: off (or stop, if the firmware cannot), never returns. */
_Noreturn void machine_stop(void);
/* How the exit status and the panic mark leave: set by boot if the command line has log.tag=. */
void power_set_status_sink(void (*sink)(const char *what));
