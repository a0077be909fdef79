/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PL011 (Arm DDI 0183): the console. Entered from printk's console hook and from linux/tty/tty.c to
 * write, from the interrupt to read; received characters go to the one function set by
 * uart_set_input(). The line's speed and format stay as the firmware left them.
 *
 * output_busy keeps the lines of two CPUs apart. It is a flag taken with interrupts masked and not
 * a spinlock, since a panic must be able to write although the CPU that held it has been stopped:
 * after a bounded wait the text goes out anyway.
 */
#include "drivers/uart.h"

#include <stdatomic.h>

#include "arch/irq.h"
#include "lib/bits.h"
#include "lib/printk.h"

/* Registers, as byte offsets (DDI 0183 3.2). */
#define UARTDR	 0x000
#define UARTFR	 0x018
#define UARTIMSC 0x038
#define UARTICR	 0x044

#define UARTDR_DATA   BITS(7, 0)
#define UARTDR_ERRORS BITS(11, 8) /* framing, parity, break, overrun */
#define UARTFR_RXFE   BIT(4)
#define UARTFR_TXFF   BIT(5)
#define UARTIMSC_RXIM BIT(4)
#define UARTIMSC_RTIM BIT(6) /* characters wait in the FIFO and the line is quiet */
#define UARTICR_RX    (UARTIMSC_RXIM | UARTIMSC_RTIM)

#define WRITE_PATIENCE 1000000 /* turns to wait for room */
#define LINE_PATIENCE                                                                              \
	200000000 /* and for another CPU's line: a virtual one may have been stopped in it */

static volatile uint8_t *registers; /* set once at boot */
static _Atomic bool output_busy;
static void (*_Atomic input_function)(char c);

static uint32_t uart_read32(unsigned offset)
{
	return *(volatile uint32_t *)(registers + offset);
}

static void uart_write32(unsigned offset, uint32_t value)
{
	*(volatile uint32_t *)(registers + offset) = value;
}

static void put(char c)
{
	for (unsigned turns = 0; turns < WRITE_PATIENCE && (uart_read32(UARTFR) & UARTFR_TXFF);)
		turns++;
	uart_write32(UARTDR, (uint8_t)c);
}

void uart_write(const char *text, size_t size)
{
	uint64_t daif;
	bool mine = false;

	if (!registers)
		return;
	daif = irq_save();
	/* acquire, and release below: the characters of one call stay together */
	for (unsigned turns = 0; turns < LINE_PATIENCE && !mine; turns++)
		mine = !atomic_exchange_explicit(&output_busy, true, memory_order_acquire);
	for (size_t i = 0; i < size; i++)
		put(text[i]);
	if (mine)
		atomic_store_explicit(&output_busy, false, memory_order_release);
	irq_restore(daif);
}

static void uart_interrupt(void *arg, unsigned intid)
{
	void (*input)(char c) = atomic_load_explicit(&input_function, memory_order_acquire);

	(void)arg;
	(void)intid;
	/* Cleared first: a character that comes while we read raises it again. */
	uart_write32(UARTICR, UARTICR_RX);
	while (!(uart_read32(UARTFR) & UARTFR_RXFE)) {
		uint32_t data = uart_read32(UARTDR);

		if (input && !(data & UARTDR_ERRORS))
			input((char)field_get(UARTDR_DATA, data));
	}
}

void uart_init(void *at, unsigned intid)
{
	int err;

	registers = at;
	uart_write32(UARTIMSC, 0);
	if (!intid)
		return;
	err = irq_register(intid, uart_interrupt, NULL, false);
	if (err) {
		printk("uart: interrupt %u: error %d, no input\n", intid, err);
		return;
	}
	irq_unmask(intid, false);
}

void uart_set_input(void (*input)(char c))
{
	/* release: pairs with the acquire in uart_interrupt() */
	atomic_store_explicit(&input_function, input, memory_order_release);
	uart_write32(UARTIMSC, UARTIMSC_RXIM | UARTIMSC_RTIM);
}
