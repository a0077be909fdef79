/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a program finds when it starts: the initial stack (arguments, environment, auxiliary
 * vector), its sections, and what EL0 may do without asking the kernel. Linux: fs/binfmt_elf.c,
 * Documentation/arm64/elf_hwcaps.rst and cpu-feature-registers.rst.
 */
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <asm/hwcap.h>
#include "tests/lib/abi.h"

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

extern const Elf64_Ehdr __ehdr_start;
extern char _start[];

static char **start_argv, **start_envp;
static Elf64_auxv_t *start_auxv;
static int start_argc;
static char bss[100000];
static int data = 12345, data_written = 1;
static _Thread_local int tls_data = 77, tls_zero;

static Elf64_auxv_t *aux_find(unsigned long type)
{
	for (Elf64_auxv_t *a = start_auxv; a->a_type != AT_NULL; a++) {
		if (a->a_type == type)
			return a;
	}
	return NULL;
}

static unsigned long aux(unsigned long type)
{
	Elf64_auxv_t *a = aux_find(type);

	if (!a)
		tap_print("# no auxv entry %ld\n", (long)type);
	return a ? a->a_un.a_val : ~0ul;
}

TEST(stack_begins_with_argc_and_is_aligned)
{
	long *sp = (long *)(start_argv - 1);

	expect_eq((uintptr_t)sp % 16, 0);
	expect_eq(sp[0], start_argc);
	expect(start_argc >= 1);
}

TEST(arguments_and_environment_are_strings_higher_on_the_stack)
{
	expect(start_argv[start_argc] == NULL);
	expect(start_envp == start_argv + start_argc + 1);
	for (int i = 0; i < start_argc; i++)
		expect((void *)start_argv[i] > (void *)start_auxv && strlen(start_argv[i]) < 4096);
	for (char **e = start_envp; *e; e++)
		expect((void *)*e > (void *)start_auxv && strchr(*e, '=') != NULL);
}

TEST(auxv_describes_the_program)
{
	const Elf64_Ehdr *elf = &__ehdr_start;

	expect_eq(aux(AT_PHDR), (long)elf + (long)elf->e_phoff);
	expect_eq(aux(AT_PHENT), sizeof(Elf64_Phdr));
	expect_eq(aux(AT_PHNUM), elf->e_phnum);
	expect_eq(aux(AT_ENTRY), (long)_start);
	expect_eq(aux(AT_BASE), 0);
	expect_eq(aux(AT_FLAGS), 0);
}

TEST(auxv_describes_the_machine)
{
	expect_eq(aux(AT_PAGESZ), 4096);
	expect_eq(aux(AT_CLKTCK), 100);
	expect((aux(AT_HWCAP) & (HWCAP_FP | HWCAP_ASIMD)) == (HWCAP_FP | HWCAP_ASIMD));
	expect_eq(strcmp((char *)aux(AT_PLATFORM), "aarch64"), 0);
	/* The basic frame is 4688 bytes: siginfo, ucontext, FP record, end record, frame record. */
	if (aux_find(AT_MINSIGSTKSZ))
		expect(aux(AT_MINSIGSTKSZ) >= 4688 && aux(AT_MINSIGSTKSZ) < 1 << 20);
}

TEST(auxv_describes_the_user)
{
	expect_eq(aux(AT_UID), getuid());
	expect_eq(aux(AT_EUID), geteuid());
	expect_eq(aux(AT_GID), getgid());
	expect_eq(aux(AT_EGID), getegid());
	expect_eq(aux(AT_SECURE), 0);
}

TEST(auxv_has_random_bytes_and_the_file_name)
{
	const uint64_t *random = (const uint64_t *)aux(AT_RANDOM);
	int fd = open((const char *)aux(AT_EXECFN), O_RDONLY);
	char magic[SELFMAG] = { 0 };

	expect(random[0] != 0 && random[1] != 0 && random[0] != random[1]);
	expect_eq(read(fd, magic, SELFMAG), SELFMAG);
	expect_eq(memcmp(magic, ELFMAG, SELFMAG), 0);
	close(fd);
}

TEST(sections_are_loaded)
{
	size_t dirty = 0;

	for (size_t i = 0; i < sizeof(bss); i++)
		dirty += bss[i] != 0;
	expect_eq(dirty, 0);
	expect_eq(data, 12345);
	expect_eq(tls_data, 77);
	expect_eq(tls_zero, 0);
}

TEST(sections_have_their_protection)
{
	expect_eq(fault_write(&data_written).signo, 0);
	expect(write_faults(_start, SEGV_ACCERR));
}

/* Uses 64 pages a call, from the top down. */
static int stack_eat(int depth)
{
	volatile char frame[64 * 4096];

	for (int i = (int)sizeof(frame) - 1; i >= 0; i -= 4096)
		frame[i] = 1;
	return depth ? stack_eat(depth - 1) + frame[0] : 0;
}

TEST(stack_grows_to_six_megabytes)
{
	expect(stack_eat(23) >= 0);
}

TEST(counter_is_readable_and_runs)
{
	uint64_t hz, first, last;

	__asm__ volatile("mrs %0, cntfrq_el0" : "=r"(hz));
	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(first));
	for (volatile int i = 0; i < 100000; i++)
		;
	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(last));
	expect(hz >= 1000000);
	expect(last > first);
}

TEST(thread_pointer_and_cache_registers_are_readable)
{
	uint64_t tp, ctr, dczid;

	__asm__ volatile("mrs %0, tpidr_el0" : "=r"(tp));
	__asm__ volatile("mrs %0, ctr_el0" : "=r"(ctr));
	__asm__ volatile("mrs %0, dczid_el0" : "=r"(dczid));
	expect(tp != 0);
	expect((ctr >> 16 & 15) >= 2);
	expect((dczid & 15) <= 9);
}

TEST(dc_zva_clears_a_block)
{
	static char block[4096] __attribute__((aligned(2048)));
	uint64_t dczid;

	__asm__ volatile("mrs %0, dczid_el0" : "=r"(dczid));
	if (dczid & 16)
		return;
	memset(block, 0xff, sizeof(block));
	__asm__ volatile("dc zva, %0" ::"r"(block) : "memory");
	for (int i = 0; i < 4 << (dczid & 15); i++)
		expect(block[i] == 0);
	expect_eq(block[4 << (dczid & 15)], 0xff);
}

TEST(code_written_at_run_time_runs)
{
	uint32_t *code =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	require(code != MAP_FAILED);
	for (uint32_t n = 1; n < 5; n++) {
		expect_eq(mprotect(code, 4096, PROT_READ | PROT_WRITE), 0);
		code[0] = 0x52800000 | n << 5; /* mov w0, #n */
		code[1] = 0xd65f03c0;	       /* ret */
		__asm__ volatile("dc cvau, %0; dsb ish; ic ivau, %0; dsb ish; isb" ::"r"(code)
				 : "memory");
		expect_eq(mprotect(code, 4096, PROT_READ | PROT_EXEC), 0);
		expect_eq(((int (*)(void))code)(), n);
	}
	munmap(code, 4096);
}

int main(int argc, char **argv, char **envp)
{
	char **e = envp;

	start_argc = argc;
	start_argv = argv;
	start_envp = envp;
	while (*e)
		e++;
	start_auxv = (Elf64_auxv_t *)(e + 1);
	return tap_main();
}
