/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pool of randomness: one ChaCha20 key. Whatever is added is folded into it; each reader takes
 * half of a block as a key of its own and the other half becomes the pool's next key, so that what
 * was given out cannot be computed from a pool seen later.
 *
 * It is as good as what was added: the device tree's rng-seed at boot, the CPU's RNDR (DDI 0487
 * RNDR) and the counter at every reading. Who asks by getrandom() waits until that is
 * 32 bytes that nobody can foresee.
 */
#include "drivers/entropy.h"

#include "arch/cpu.h"
#include "arch/spinlock.h"
#include "arch/timer.h"
#include "drivers/chacha.h"
#include "lib/bits.h"
#include "lib/printk.h"
#include "lib/string.h"
#include "sched/wait.h"

static struct spinlock lock; /* covers key */
static uint8_t key[CHACHA_KEY];

static const uint8_t no_nonce[12];
static _Atomic size_t seeded; /* bytes that nobody can foresee, so far */
static struct wait_queue waiting = WAIT_QUEUE_INIT(waiting);

/* Fold up to CHACHA_KEY bytes into the key; the next reader makes another one of it. Short, since it is
 * done with interrupts masked. */
static void fold(const uint8_t *from, size_t size) HOLDS(lock)
{
	for (size_t i = 0; i < size; i++)
		key[i] ^= from[i];
}

void entropy_add(const void *from, size_t size)
{
	const uint8_t *bytes = from;

	while (size) {
		size_t n = min(size, (size_t)CHACHA_KEY);
		uint64_t daif = spin_lock_irqsave(&lock);

		fold(bytes, n);
		spin_unlock_irqrestore(&lock, daif);
		bytes += n;
		size -= n;
	}
}

void entropy_seed(const void *from, size_t size)
{
	entropy_add(from, size);
	/* release: who sees the count finds the bytes in the pool */
	atomic_fetch_add_explicit(&seeded, size, memory_order_release);
	wake_up(&waiting, 0);
}

/* The CPU's own random number; 0 when it has none (ready) now. */
static uint64_t cpu_random(void)
{
	uint64_t value, flags;

	if (!cpu_has(CPU_RNDR))
		return 0;
	/* RNDR, by encoding: armv8.1-a does not know its name. Z set: nothing came. */
	__asm__ volatile("mrs %0, s3_3_c2_c4_0\n\tcset %1, ne" : "=r"(value), "=r"(flags)::"cc");
	return flags ? value : 0;
}

/* As many bytes as the key has. */
static bool enough(void)
{
	return atomic_load_explicit(&seeded, memory_order_acquire) >= CHACHA_KEY;
}

/* From the CPU alone, if it can. */
static void seed_by_cpu(void)
{
	for (unsigned tries = 0; tries < 100 && !enough(); tries++) {
		uint64_t value = cpu_random();

		if (value)
			entropy_seed(&value, sizeof(value));
	}
}

int entropy_ready(bool may_wait)
{
	static atomic_bool told;

	if (!enough() && cpu_has(CPU_RNDR))
		seed_by_cpu();
	if (enough())
		return 0;
	if (!may_wait)
		return -EAGAIN;
	if (!atomic_exchange(&told, true))
		printk("random: no seed in the device tree, no RNDR, nothing yet from a virtio-rng: %s waits\n",
		       thread_current()->name);
	return wait_event_interruptible(&waiting, enough());
}

/* A key that nobody else has had or will have. */
static void take_key(uint8_t own[CHACHA_KEY])
{
	uint64_t now[2] = { timer_ticks(), cpu_random() };
	uint8_t block[CHACHA_BLOCK];
	uint64_t daif = spin_lock_irqsave(&lock);

	fold((const uint8_t *)now, sizeof(now));
	chacha_block(block, key, UINT32_MAX, no_nonce);
	memcpy(key, block, CHACHA_KEY);
	spin_unlock_irqrestore(&lock, daif);
	memcpy(own, block + CHACHA_KEY, CHACHA_KEY);
}

void entropy_get(void *to, size_t size)
{
	uint8_t own[CHACHA_KEY], block[CHACHA_BLOCK], *bytes = to;

	take_key(own);
	for (uint32_t counter = 0; size; counter++) {
		size_t n = min(size, (size_t)CHACHA_BLOCK);

		chacha_block(block, own, counter, no_nonce);
		memcpy(bytes, block, n);
		bytes += n;
		size -= n;
	}
}
