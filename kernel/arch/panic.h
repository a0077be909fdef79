/* SPDX-License-Identifier: BSD-2-Clause */
/* What a panic does to the other CPUs. */
#pragma once

_Noreturn void panic_stop_cpu(void); /* the handler of IPI_STOP */
