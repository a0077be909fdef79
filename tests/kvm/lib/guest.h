/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest can use: ports to the VMM, hypercalls, system registers, exceptions, interrupts.
 * Guest code runs at EL1 with the MMU off. It must not call libc or use vector registers unless it
 * means to: the attribute GUEST sees to the latter.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define GUEST	     __attribute__((target("general-regs-only,strict-align"), unused))
#define GUEST_INLINE static inline __attribute__((always_inline)) GUEST

/* Guest physical addresses. */
#define GUEST_BASE 0x00400000ul /* the program's image, then stacks */
#define GUEST_GICD 0x08000000ul
#define GUEST_GICR 0x080a0000ul
#define GUEST_PORT 0x09000000ul /* nobody's: every access leaves to the VMM */

enum { PORT_DONE = 0, PORT_TEST = 64 };

#define sysreg_read(reg)                                                                           \
	({                                                                                         \
		uint64_t v_;                                                                       \
		__asm__ volatile("mrs %0, " #reg : "=r"(v_));                                      \
		v_;                                                                                \
	})
#define sysreg_write(reg, value) __asm__ volatile("msr " #reg ", %x0" ::"rZ"((uint64_t)(value)))
#define isb()			 __asm__ volatile("isb" ::: "memory")
#define dsb()			 __asm__ volatile("dsb sy" ::: "memory")

/* What the last exception was, and how many there were. One for each vCPU. */
struct guest_cpu {
	uint64_t esr, elr, far;
	volatile uint64_t faults;
	volatile uint64_t irqs;
	/* Called with interrupts masked for each interrupt taken; may be NULL. */
	void (*on_irq)(struct guest_cpu *cpu);
	uint64_t id;
};
extern struct guest_cpu guest_cpus[8];

/* This vCPU's own. */
GUEST_INLINE struct guest_cpu *guest_self(void)
{
	return (struct guest_cpu *)sysreg_read(tpidr_el1);
}

/* The entry point: x0 = function, x1 = its argument, x2 = top of stack, x3 = struct guest_cpu. */
extern char guest_entry[];
/* A copy of it for CPU_ON, which gives x0 only: the address of { fn, arg, stack, cpu }. */
extern char guest_entry_psci[];

GUEST_INLINE void mmio_write64(uint64_t at, uint64_t v)
{
	__asm__ volatile("str %x0, [%1]" ::"rZ"(v), "r"(at) : "memory");
}

GUEST_INLINE void mmio_write32(uint64_t at, uint32_t v)
{
	__asm__ volatile("str %w0, [%1]" ::"rZ"(v), "r"(at) : "memory");
}

GUEST_INLINE void mmio_write8(uint64_t at, uint32_t v)
{
	__asm__ volatile("strb %w0, [%1]" ::"rZ"(v), "r"(at) : "memory");
}

GUEST_INLINE uint64_t mmio_read64(uint64_t at)
{
	uint64_t v;

	__asm__ volatile("ldr %0, [%1]" : "=r"(v) : "r"(at) : "memory");
	return v;
}

GUEST_INLINE uint32_t mmio_read32(uint64_t at)
{
	uint32_t v;

	__asm__ volatile("ldr %w0, [%1]" : "=r"(v) : "r"(at) : "memory");
	return v;
}

GUEST_INLINE uint32_t mmio_read8(uint64_t at)
{
	uint32_t v;

	__asm__ volatile("ldrb %w0, [%1]" : "=r"(v) : "r"(at) : "memory");
	return v;
}

/* Tell the VMM the result; does not return unless the VMM runs the vCPU again. */
GUEST_INLINE void guest_done(uint64_t value)
{
	mmio_write64(GUEST_PORT + PORT_DONE, value);
}

#define guest_call(conduit, function, a, b, c)                                                     \
	({                                                                                         \
		register uint64_t x0_ __asm__("x0") = (function);                                  \
		register uint64_t x1_ __asm__("x1") = (a);                                         \
		register uint64_t x2_ __asm__("x2") = (b);                                         \
		register uint64_t x3_ __asm__("x3") = (c);                                         \
		__asm__ volatile(conduit " #0"                                                     \
				 : "+r"(x0_), "+r"(x1_), "+r"(x2_), "+r"(x3_)                      \
				 :                                                                 \
				 : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", \
				   "x14", "x15", "x16", "x17", "memory");                          \
		x0_;                                                                               \
	})
#define hvc(function, a, b, c) guest_call("hvc", function, a, b, c)
#define smc(function, a, b, c) guest_call("smc", function, a, b, c)

GUEST_INLINE void irq_enable(void)
{
	__asm__ volatile("msr daifclr, #2" ::: "memory");
}

GUEST_INLINE void irq_disable(void)
{
	__asm__ volatile("msr daifset, #2" ::: "memory");
}

/*
 * Sleep until an interrupt makes cond true. Looked at with interrupts masked: one taken between the
 * look and the WFI would leave nothing to wake up for.
 */
#define wfi_until(cond)                                                                            \
	do {                                                                                       \
		irq_disable();                                                                     \
		while (!(cond)) {                                                                  \
			__asm__ volatile("wfi" ::: "memory");                                      \
			irq_enable();                                                              \
			isb();                                                                     \
			irq_disable();                                                             \
		}                                                                                  \
		irq_enable();                                                                      \
	} while (0)

/* In a loop that waits for another vCPU: under icount QEMU goes on with that one at once. */
GUEST_INLINE void cpu_relax(void)
{
	__asm__ volatile("yield" ::: "memory");
}

/* GICv3, seen from the guest. gicv3_init() brings up this vCPU's interface and redistributor. */
enum { IRQ_PRIORITY = 0xa0, IRQ_SPURIOUS = 1023 };
GUEST void gicv3_init(void);
GUEST void gicv3_enable(unsigned irq, unsigned priority);
GUEST void gicv3_disable(unsigned irq);
GUEST void gicv3_edge(unsigned irq, bool edge);
/* The redistributor's SGI frame of this vCPU. */
GUEST uint64_t gicr_sgi_base(void);

GUEST_INLINE uint32_t irq_acknowledge(void)
{
	uint32_t n = (uint32_t)sysreg_read(s3_0_c12_c12_0); /* ICC_IAR1_EL1 */

	dsb();
	return n;
}

GUEST_INLINE void irq_end(uint32_t n)
{
	sysreg_write(s3_0_c12_c12_1, n); /* ICC_EOIR1_EL1 */
	isb();
}

/* SGI n to the vCPUs of the mask, with affinity 0.0.0.x. */
GUEST_INLINE void sgi_send(unsigned n, unsigned mask)
{
	dsb();
	sysreg_write(s3_0_c12_c11_5, (uint64_t)n << 24 | mask); /* ICC_SGI1R_EL1 */
	isb();
}
