/* SPDX-License-Identifier: BSD-2-Clause */
/* See tracer.h. */
#include <elf.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include "tests/lib/abi.h"
#include "tests/lib/tracer.h"

long tracer_ask(long request, pid_t pid, uint64_t addr, const void *data)
{
	return sys(__NR_ptrace, request, pid, addr, data);
}

int tracer_status(pid_t pid)
{
	int status = -1;

	return waitpid(pid, &status, __WALL) == pid ? status : -1;
}

int tracer_stopped(int sig, int event)
{
	return event << 16 | sig << 8 | 0x7f;
}

bool tracer_interrupt(pid_t pid)
{
	return !tracer_ask(PTRACE_INTERRUPT, pid, 0, NULL) && WIFSTOPPED(tracer_status(pid));
}

long tracer_get(pid_t pid, int type, void *to, size_t *size)
{
	struct iovec v = { to, *size };
	long err = tracer_ask(PTRACE_GETREGSET, pid, (uint64_t)type, &v);

	*size = v.iov_len;
	return err;
}

long tracer_put(pid_t pid, int type, const void *from, size_t size)
{
	struct iovec v = { (void *)(uintptr_t)from, size };

	return tracer_ask(PTRACE_SETREGSET, pid, (uint64_t)type, &v);
}

struct user_pt_regs tracer_regs(pid_t pid)
{
	struct user_pt_regs r = { .pc = 0 };
	size_t size = sizeof(r);

	expect_eq(tracer_get(pid, NT_PRSTATUS, &r, &size), 0);
	expect_eq(size, sizeof(r));
	return r;
}

size_t sve_set_fill(union sve_set *set, const struct sve_image *image, unsigned vl)
{
	memset(set, 0, sizeof(*set));
	set->head.vl = (uint16_t)vl;
	set->head.flags = SVE_PT_REGS_SVE;
	set->head.size = (uint32_t)SVE_PT_SIZE(vl / 16, SVE_PT_REGS_SVE);
	memcpy(set->bytes + SVE_PT_SVE_OFFSET, image, SVE_SIZE(vl));
	return set->head.size;
}

size_t sve_set_get(pid_t pid, union sve_set *set)
{
	size_t size = sizeof(*set);

	memset(set, 0, sizeof(*set));
	expect_eq(tracer_get(pid, NT_ARM_SVE, set, &size), 0);
	expect(set->head.size <= size);
	return set->head.size;
}
