/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that name an interpreter (PT_INTERP), as every dynamically linked one does: the kernel
 * loads both and starts the interpreter, which finds the program by the auxiliary vector. Both are
 * made here, of a few instructions each. Linux: man 8 ld.so, man 3 getauxval, fs/binfmt_elf.c.
 */
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/lib/abi.h"

#define PROGRAM_VA 0x10000

struct image {
	Elf64_Ehdr elf;
	Elf64_Phdr ph[2]; /* PT_LOAD, PT_INTERP */
	char interpreter[128];
	uint32_t code[64];
};

/*
 * The interpreter: AT_BASE (7) must be the page it lies in itself, and begin with the ELF magic;
 * goes on at AT_ENTRY (9) with AT_PHDR (3) in x11. Its own exits: 3, 4. The program: 33 if x11 is
 * where its headers are, else 5.
 */
extern uint32_t interp_start[], main_start[], main_end[];
__asm__(".pushsection .rodata\n"
	".balign 4\n"
	"interp_start:\n"
	"adr x4, interp_start\n"
	"and x4, x4, #~0xfff\n"
	"ldr x0, [sp]\n"
	"add x1, sp, x0, lsl #3\n"
	"add x1, x1, #16\n"
	"1: ldr x2, [x1], #8\n"
	"cbnz x2, 1b\n"
	"2: ldp x2, x3, [x1], #16\n"
	"cmp x2, #7\n"
	"csel x9, x3, x9, eq\n"
	"cmp x2, #9\n"
	"csel x10, x3, x10, eq\n"
	"cmp x2, #3\n"
	"csel x11, x3, x11, eq\n"
	"cbnz x2, 2b\n"
	"mov x0, #3\n"
	"cmp x9, x4\n"
	"b.ne 3f\n"
	"mov x0, #4\n"
	"ldr w2, [x4]\n"
	"movz w3, #0x457f\n"
	"movk w3, #0x464c, lsl #16\n"
	"cmp w2, w3\n"
	"b.ne 3f\n"
	"br x10\n"
	"3: mov x8, #94\n"
	"svc #0\n"
	"main_start:\n"
	"movz x1, #64\n"
	"movk x1, #1, lsl #16\n"
	"mov x0, #33\n"
	"cmp x1, x11\n"
	"b.eq 4f\n"
	"mov x0, #5\n"
	"4: mov x8, #94\n"
	"svc #0\n"
	"main_end:\n"
	".popsection\n");

static struct image program, interpreter;
static char program_name[128], interpreter_name[128];

static void image_make(struct image *t, uint64_t va, const uint32_t *code, const uint32_t *end)
{
	memset(t, 0, sizeof(*t));
	memcpy(t->elf.e_ident, ELFMAG, SELFMAG);
	t->elf.e_ident[EI_CLASS] = ELFCLASS64;
	t->elf.e_ident[EI_DATA] = ELFDATA2LSB;
	t->elf.e_ident[EI_VERSION] = EV_CURRENT;
	t->elf.e_type = va ? ET_EXEC : ET_DYN;
	t->elf.e_machine = EM_AARCH64;
	t->elf.e_version = EV_CURRENT;
	t->elf.e_entry = va + offsetof(struct image, code);
	t->elf.e_phoff = offsetof(struct image, ph);
	t->elf.e_ehsize = sizeof(t->elf);
	t->elf.e_phentsize = sizeof(t->ph[0]);
	t->elf.e_phnum = 1;
	t->ph[0] = (Elf64_Phdr){ .p_type = PT_LOAD,
				 .p_flags = PF_R | PF_X,
				 .p_vaddr = va,
				 .p_filesz = sizeof(*t),
				 .p_memsz = sizeof(*t),
				 .p_align = 4096 };
	memcpy(t->code, code, (size_t)(end - code) * 4);
}

static void write_image(const char *name, const struct image *t)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0700);

	expect_eq(write(fd, t, sizeof(*t)), sizeof(*t));
	close(fd);
}

/* Both in order; a test then spoils what it wants. */
static void setup(void)
{
	snprintf(program_name, sizeof(program_name), "%s", scratch("program"));
	snprintf(interpreter_name, sizeof(interpreter_name), "%s", scratch("interpreter"));
	image_make(&interpreter, 0, interp_start, main_start);
	interpreter.ph[0].p_flags |= PF_W; /* Linux clears the rest of its last page */
	image_make(&program, PROGRAM_VA, main_start, main_end);
	program.elf.e_phnum = 2;
	program.ph[1] = (Elf64_Phdr){ .p_type = PT_INTERP,
				      .p_offset = offsetof(struct image, interpreter),
				      .p_filesz = strlen(interpreter_name) + 1,
				      .p_align = 1 };
	strcpy(program.interpreter, interpreter_name);
}

/* The program's wait status; if it cannot be executed, 100 + errno as its exit code. */
static int run(void)
{
	char *argv[] = { "program", "one", NULL }, *envp[] = { "A=1", "B=2", NULL };
	int status = -1;
	long pid;

	write_image(program_name, &program);
	write_image(interpreter_name, &interpreter);
	pid = sys(__NR_clone, SIGCHLD);
	if (pid == 0)
		sys(__NR_exit_group, 100 - sys(__NR_execve, program_name, argv, envp));
	expect_eq(sys(__NR_wait4, pid, &status, 0, 0), pid);
	unlink(program_name);
	unlink(interpreter_name);
	return status;
}

static int refused(int error)
{
	return (100 + error) << 8;
}

TEST(the_interpreter_is_started_and_finds_the_program)
{
	setup();
	expect_eq(run(), 33 << 8);
}

TEST(a_program_that_may_lie_anywhere_has_one_too)
{
	setup();
	image_make(&program, 0, main_start, main_end);
	program.elf.e_phnum = 2;
	program.ph[1] = (Elf64_Phdr){ .p_type = PT_INTERP,
				      .p_offset = offsetof(struct image, interpreter),
				      .p_filesz = strlen(interpreter_name) + 1 };
	strcpy(program.interpreter, interpreter_name);
	expect_eq(run(), 5 << 8); /* its headers are not where a fixed program has them */
}

TEST(an_interpreter_that_is_missing_or_no_program_is_an_error)
{
	setup();
	strcpy(program.interpreter, "/no/interpreter");
	program.ph[1].p_filesz = sizeof("/no/interpreter");
	expect_eq(run(), refused(ENOENT));
	setup();
	interpreter.elf.e_ident[0] = 'x';
	expect_eq(run(), refused(ELIBBAD));
	setup();
	interpreter.elf.e_machine = EM_X86_64;
	expect_eq(run(), refused(ELIBBAD));
}

TEST(its_name_must_have_an_end_and_a_length)
{
	setup();
	program.ph[1].p_filesz--; /* without the NUL */
	expect_eq(run(), refused(ENOEXEC));
	setup();
	program.ph[1].p_filesz = 1;
	expect_eq(run(), refused(ENOEXEC));
	setup();
	program.ph[1].p_filesz = 5000;
	expect_eq(run(), refused(ENOEXEC));
}
