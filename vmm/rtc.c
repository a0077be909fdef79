/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's clock of day: an Arm PL031, read once when the guest starts. It counts the host's
 * seconds; what the guest sets is an offset that lasts as long as the machine. Its interrupt is not
 * connected, so there is no alarm: the device tree gives it none.
 *
 * Manual: PrimeCell Real Time Clock (PL031) Technical Reference Manual, DDI 0224, chapter 3.
 */
#include "rtc.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "report.h"
#include "vm.h"

#define RTCDR	0x000 /* now */
#define RTCMR	0x004 /* match: the alarm */
#define RTCLR	0x008 /* load: set the time */
#define RTCCR	0x00c
#define RTCIMSC 0x010
#define RTCID	0xfe0 /* eight registers, to 0xffc */

#define CR_START 1u

struct rtc {
	pthread_mutex_t lock; /* covers what follows */
	uint32_t offset;      /* added to the host's seconds */
	uint32_t match, load, imsc;
};

/* RTCPeriphID0-3 (Arm, PL031) and RTCPCellID0-3. */
static const uint8_t id_registers[] = { 0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

static uint64_t read_locked(struct rtc *rtc, uint64_t offset)
{
	switch (offset) {
	case RTCDR:
		return (uint32_t)time(NULL) + rtc->offset;
	case RTCMR:
		return rtc->match;
	case RTCLR:
		return rtc->load;
	case RTCCR:
		return CR_START;
	case RTCIMSC:
		return rtc->imsc;
	}
	if (offset >= RTCID && offset % 4 == 0)
		return id_registers[(offset - RTCID) / 4];
	return 0;
}

static uint64_t rtc_read(void *device, uint64_t offset, unsigned bytes)
{
	struct rtc *rtc = device;
	uint64_t value;

	(void)bytes;
	pthread_mutex_lock(&rtc->lock);
	value = read_locked(rtc, offset);
	pthread_mutex_unlock(&rtc->lock);
	return value;
}

static void rtc_write(void *device, uint64_t offset, unsigned bytes, uint64_t value)
{
	struct rtc *rtc = device;

	(void)bytes;
	pthread_mutex_lock(&rtc->lock);
	switch (offset) {
	case RTCMR:
		rtc->match = (uint32_t)value;
		break;
	case RTCLR:
		rtc->load = (uint32_t)value;
		rtc->offset = (uint32_t)value - (uint32_t)time(NULL);
		break;
	case RTCIMSC:
		rtc->imsc = (uint32_t)value & 1;
		break;
	}
	pthread_mutex_unlock(&rtc->lock);
}

struct rtc *rtc_create(struct vm *vm)
{
	struct rtc *rtc = calloc(1, sizeof(*rtc));

	if (!rtc)
		die("no memory for the clock");
	pthread_mutex_init(&rtc->lock, NULL);
	bus_add(&vm->bus, &(struct bus_range){
				  .name = "rtc",
				  .base = RTC_BASE,
				  .size = DEVICE_SIZE,
				  .read = rtc_read,
				  .write = rtc_write,
				  .device = rtc,
			  });
	return rtc;
}

void rtc_destroy(struct rtc *rtc)
{
	free(rtc);
}
