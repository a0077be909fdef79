/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* `stet info`: what the host's KVM offers, on stdout. */
void info_print(void);
