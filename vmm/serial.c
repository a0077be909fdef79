/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's serial port: an Arm PL011. What the guest sends goes to stdout at once, so its send
 * queue is always empty; what the user types waits in a fifo until the guest reads it. There is no
 * line, so baud rate and framing are kept and ignored.
 *
 * Entered from bus.c on vCPU threads and from the input thread. `lock` covers the registers and
 * the interrupt line; the fifo has its own lock, taken inside. Manual: PrimeCell UART (PL011)
 * Technical Reference Manual, DDI 0183, chapter 3.
 */
#include "serial.h"

#include <pthread.h>
#include <stdlib.h>

#include "fifo.h"
#include "report.h"
#include "vm.h"

#define UARTDR	  0x000
#define UARTRSR	  0x004
#define UARTFR	  0x018
#define UARTILPR  0x020
#define UARTIBRD  0x024
#define UARTFBRD  0x028
#define UARTLCR_H 0x02c
#define UARTCR	  0x030
#define UARTIFLS  0x034
#define UARTIMSC  0x038
#define UARTRIS	  0x03c
#define UARTMIS	  0x040
#define UARTICR	  0x044
#define UARTDMACR 0x048
#define UARTID	  0xfe0 /* eight registers, to 0xffc */

#define FR_RXFE (1u << 4) /* nothing received */
#define FR_TXFE (1u << 7) /* nothing left to send */

#define INT_RX	(1u << 4)
#define INT_TX	(1u << 5)
#define INT_RT	(1u << 6) /* received some time ago and still not read */
#define INT_ALL 0x7ffu

#define CR_RESET   0x300 /* send and receive enabled, the UART itself not */
#define IFLS_RESET 0x12

struct serial {
	struct vm *vm;
	pthread_mutex_t lock; /* covers what follows, but not fifo */
	uint32_t ilpr, ibrd, fbrd, lcr_h, cr, ifls, imsc, dmacr;
	bool sent; /* INT_TX: something was sent since it was cleared */
	bool line; /* the interrupt line as the host last heard it */
	struct fifo fifo;
};

/* UARTPeriphID0-3 (Arm, PL011, revision 1.5) and UARTPCellID0-3. */
static const uint8_t id_registers[] = { 0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

static uint32_t raw_interrupts(struct serial *serial)
{
	uint32_t ris = serial->sent ? INT_TX : 0;

	if (!fifo_is_empty(&serial->fifo))
		ris |= INT_RX | INT_RT;
	return ris;
}

/* Tell the host when the line changes. Under the lock. */
static void update_line(struct serial *serial)
{
	bool line = raw_interrupts(serial) & serial->imsc;

	if (line == serial->line)
		return;
	serial->line = line;
	vm_irq_line(serial->vm, SERIAL_SPI, line);
}

static uint64_t receive(struct serial *serial)
{
	uint8_t byte = 0;

	fifo_get(&serial->fifo, &byte, 1);
	update_line(serial);
	return byte;
}

/* The registers that only hold what was written to them. */
static uint32_t *plain_register(struct serial *serial, uint64_t offset)
{
	switch (offset) {
	case UARTILPR:
		return &serial->ilpr;
	case UARTIBRD:
		return &serial->ibrd;
	case UARTFBRD:
		return &serial->fbrd;
	case UARTLCR_H:
		return &serial->lcr_h;
	case UARTCR:
		return &serial->cr;
	case UARTIFLS:
		return &serial->ifls;
	case UARTIMSC:
		return &serial->imsc;
	case UARTDMACR:
		return &serial->dmacr;
	default:
		return NULL;
	}
}

static uint64_t read_locked(struct serial *serial, uint64_t offset)
{
	uint32_t *plain = plain_register(serial, offset);

	if (plain)
		return *plain;
	switch (offset) {
	case UARTDR:
		return receive(serial);
	case UARTFR:
		return FR_TXFE | (fifo_is_empty(&serial->fifo) ? FR_RXFE : 0);
	case UARTRIS:
		return raw_interrupts(serial);
	case UARTMIS:
		return raw_interrupts(serial) & serial->imsc;
	}
	if (offset >= UARTID && offset % 4 == 0)
		return id_registers[(offset - UARTID) / 4];
	return 0;
}

static uint64_t serial_read(void *device, uint64_t offset, unsigned bytes)
{
	struct serial *serial = device;
	uint64_t value;

	(void)bytes; /* every register fits into its lowest bytes */
	pthread_mutex_lock(&serial->lock);
	value = read_locked(serial, offset);
	pthread_mutex_unlock(&serial->lock);
	return value;
}

static void serial_write(void *device, uint64_t offset, unsigned bytes, uint64_t value)
{
	struct serial *serial = device;
	uint8_t byte = (uint8_t)value;
	uint32_t *plain;

	(void)bytes;
	if (offset == UARTDR)
		tty_output(&byte, 1); /* outside the lock: the user's terminal may be slow */
	pthread_mutex_lock(&serial->lock);
	plain = plain_register(serial, offset);
	if (plain)
		*plain = (uint32_t)value & (offset == UARTIMSC ? INT_ALL : 0xffff);
	else if (offset == UARTDR)
		serial->sent = true;
	else if (offset == UARTICR && value & INT_TX)
		serial->sent = false;
	update_line(serial);
	pthread_mutex_unlock(&serial->lock);
}

void serial_input(void *device, const uint8_t *bytes, size_t count, bool wait)
{
	struct serial *serial = device;
	size_t n;

	do {
		n = fifo_put(&serial->fifo, bytes, count, wait);
		bytes += n;
		count -= n;
		pthread_mutex_lock(&serial->lock);
		update_line(serial);
		pthread_mutex_unlock(&serial->lock);
	} while (wait && count && n);
}

struct serial *serial_create(struct vm *vm)
{
	struct serial *serial = calloc(1, sizeof(*serial));

	if (!serial)
		die("no memory for the serial port");
	serial->vm = vm;
	serial->cr = CR_RESET;
	serial->ifls = IFLS_RESET;
	pthread_mutex_init(&serial->lock, NULL);
	fifo_init(&serial->fifo);
	bus_add(&vm->bus, &(struct bus_range){
				  .name = "serial",
				  .base = SERIAL_BASE,
				  .size = DEVICE_SIZE,
				  .read = serial_read,
				  .write = serial_write,
				  .device = serial,
			  });
	return serial;
}

void serial_close(struct serial *serial)
{
	fifo_close(&serial->fifo);
}

void serial_destroy(struct serial *serial)
{
	free(serial);
}
