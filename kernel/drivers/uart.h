/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PL011: the machine's console. Output is polled (QEMU never makes it wait), input comes by
 * interrupt.
 */
#pragma once

#include "lib/types.h"

void uart_init(void *registers, unsigned intid); /* intid 0: output only, for early messages */
void uart_write(const char *text, size_t size);	 /* any context; '\n' goes out as it is */
void uart_set_input(void (*input)(char c));	 /* from now on: masked, in interrupt context */
