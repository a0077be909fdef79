/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signal handlers and their frames: registers kept, frames changed and forged, stacks, masks, and
 * the faults that become signals. Queues, waiting and restarts are in sigqueue.c.
 * Linux: arch/arm64/kernel/signal.c, man 7 signal, 2 sigaction, sigaltstack, sigreturn.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include "tests/lib/abi.h"
#include "tests/lib/regs.h"

static volatile int flag, depth, deepest;
static struct regs in, out;

static void handle(int signo, void (*fn)(int, siginfo_t *, void *), int flags)
{
	struct sigaction sa = { .sa_sigaction = fn, .sa_flags = flags | SA_SIGINFO };

	expect_eq(sigaction(signo, &sa, NULL), 0);
}

static void set_tgkill(struct regs *r, int signo)
{
	r->x[0] = (uint64_t)getpid();
	r->x[1] = (uint64_t)sys(__NR_gettid);
	r->x[2] = (uint64_t)signo;
	r->x[8] = __NR_tgkill;
}

static struct fpsimd_context *fp_record(ucontext_t *uc)
{
	struct fpsimd_context *fp = (void *)uc->uc_mcontext.__reserved;

	return fp->head.magic == FPSIMD_MAGIC && fp->head.size == sizeof(*fp) ? fp : NULL;
}

static void on_clobber(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)info;
	(void)context;
	regs_clobber_fp(7);
	flag = 1;
}

TEST(a_signal_at_a_system_call_keeps_every_register)
{
	handle(SIGUSR1, on_clobber, 0);
	for (uint64_t seed = 0; seed < 20; seed++) {
		regs_fill(&in, seed, 0);
		set_tgkill(&in, SIGUSR1);
		flag = 0;
		regs_hold(&in, &out, &flag);
		expect_eq(out.x[0], 0);
		expect_eq(regs_differ(&out, &in), 0);
	}
}

static void *kick_later(void *thread)
{
	sleep_ms(5);
	sys(__NR_tgkill, getpid(), *(int *)thread, SIGUSR1);
	return NULL;
}

TEST(a_signal_in_a_loop_keeps_every_register)
{
	int me = (int)sys(__NR_gettid);
	pthread_t t;

	handle(SIGUSR1, on_clobber, 0);
	for (uint64_t seed = 100; seed < 105; seed++) {
		regs_fill(&in, seed, __NR_getppid);
		flag = 0;
		pthread_create(&t, NULL, kick_later, &me);
		regs_hold(&in, &out, &flag);
		expect_eq(regs_differ(&out, &in), 0);
		pthread_join(t, NULL);
	}
}

static void on_frame(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	struct fpsimd_context *fp = fp_record(uc);
	int wrong = 0;

	expect_eq(signo, SIGUSR1);
	expect_eq(info->si_signo, SIGUSR1);
	expect_eq(info->si_code, SI_TKILL);
	expect_eq(info->si_pid, getpid());
	expect_eq((uintptr_t)context % 16, 0);
	for (int i = 1; i < 29; i++)
		wrong += uc->uc_mcontext.regs[i] != in.x[i];
	expect_eq(wrong, 0);
	expect_eq(uc->uc_mcontext.pstate & 0xf00003df, in.nzcv);
	if (expect(fp != NULL)) {
		expect_eq(memcmp(fp->vregs, in.v, sizeof(in.v)), 0);
		expect_eq(fp->fpsr, in.fpsr);
		expect_eq(fp->fpcr, in.fpcr);
	}
	flag = 1;
}

TEST(the_frame_shows_every_register)
{
	handle(SIGUSR1, on_frame, 0);
	regs_fill(&in, 42, 0);
	set_tgkill(&in, SIGUSR1);
	flag = 0;
	regs_hold(&in, &out, &flag);
	expect_eq(regs_differ(&out, &in), 0);
}

static void on_change(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	struct fpsimd_context *fp = fp_record(uc);

	(void)signo;
	(void)info;
	for (int i = 1; i < 29; i++)
		uc->uc_mcontext.regs[i] = ~in.x[i];
	uc->uc_mcontext.pstate ^= 0xf0000000;
	if (fp) {
		for (int i = 0; i < 32; i++)
			fp->vregs[i] = ~in.v[i];
		fp->fpsr ^= 0x08000001;
		fp->fpcr ^= 0x02000000;
	}
	flag = 1;
}

TEST(changes_in_the_frame_take_effect)
{
	struct regs want;

	handle(SIGUSR1, on_change, 0);
	regs_fill(&in, 43, 0);
	set_tgkill(&in, SIGUSR1);
	want = in;
	for (int i = 1; i < 29; i++)
		want.x[i] = ~in.x[i];
	for (int i = 0; i < 32; i++)
		want.v[i] = ~in.v[i];
	want.nzcv ^= 0xf0000000;
	want.fpsr ^= 0x08000001;
	want.fpcr ^= 0x02000000;
	flag = 0;
	regs_hold(&in, &out, &flag);
	expect_eq(regs_differ(&out, &want), 0);
}

/* One way to forge a frame; what the kernel must answer is SIGSEGV. */
static void (*forge)(ucontext_t *);

static void on_forge(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)info;
	forge(context);
}

static void raise_usr1(void *arg)
{
	(void)arg;
	sys(__NR_tgkill, getpid(), sys(__NR_gettid), SIGUSR1);
}

static void expect_segv(void (*fn)(ucontext_t *))
{
	forge = fn;
	handle(SIGUSR1, on_forge, 0);
	expect_eq(fault_call(raise_usr1, NULL).signo, SIGSEGV);
}

static void forge_el1(ucontext_t *uc)
{
	uc->uc_mcontext.pstate |= 5;
}

static void forge_el2(ucontext_t *uc)
{
	uc->uc_mcontext.pstate |= 9;
}

static void forge_aarch32(ucontext_t *uc)
{
	uc->uc_mcontext.pstate |= 0x10;
}

static void forge_masked(ucontext_t *uc)
{
	uc->uc_mcontext.pstate |= 0x3c0;
}

static void forge_magic(ucontext_t *uc)
{
	fp_record(uc)->head.magic ^= 1;
}

static void forge_size(ucontext_t *uc)
{
	fp_record(uc)->head.size = 0xfffffff0;
}

static void forge_no_fp(ucontext_t *uc)
{
	fp_record(uc)->head.magic = 0;
}

static void forge_kernel_pc(ucontext_t *uc)
{
	uc->uc_mcontext.pc = 0xffff000000000000;
}

TEST(a_forged_frame_gives_sigsegv)
{
	expect_segv(forge_el1);
	expect_segv(forge_el2);
	expect_segv(forge_aarch32);
	expect_segv(forge_masked);
	expect_segv(forge_magic);
	expect_segv(forge_size);
	expect_segv(forge_no_fp);
	expect_segv(forge_kernel_pc);
}

static char alt_stack[65536] __attribute__((aligned(16)));
static sigjmp_buf escape;

static void on_escape(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)info;
	(void)context;
	siglongjmp(escape, 1);
}

/* All registers, sp too, come from the frame of zeros before it is refused: hence the stack. */
TEST(sigreturn_without_a_frame_gives_sigsegv)
{
	static char frame[65536] __attribute__((aligned(16)));
	stack_t alt = { .ss_sp = alt_stack, .ss_size = sizeof(alt_stack) };
	volatile int caught = 0;

	sys(__NR_sigaltstack, &alt, 0);
	handle(SIGSEGV, on_escape, SA_ONSTACK);
	if (sigsetjmp(escape, 1) == 0)
		__asm__ volatile("mov sp, %0; mov x8, %1; svc #0; brk #1" ::"r"(frame + 32768),
				 "i"(__NR_rt_sigreturn)
				 : "x0", "x8", "memory");
	else
		caught = 1;
	expect_eq(caught, 1);
	signal(SIGSEGV, SIG_DFL);
	alt.ss_flags = SS_DISABLE;
	sys(__NR_sigaltstack, &alt, 0);
}

static void on_nest(int signo, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	depth++;
	if (depth > deepest)
		deepest = depth;
	if (signo == SIGUSR1 && depth < 6)
		sys(__NR_tgkill, getpid(), sys(__NR_gettid), SIGUSR1);
	depth--;
}

TEST(nodefer_nests_and_the_default_does_not)
{
	depth = deepest = 0;
	handle(SIGUSR1, on_nest, SA_NODEFER);
	raise_usr1(NULL);
	expect_eq(deepest, 6);
	handle(SIGUSR1, on_nest, 0);
	depth = 5;
	deepest = 0;
	raise_usr1(NULL);
	expect_eq(deepest, 6);
	depth = 0;
}

static void on_usr2_masked(int signo, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	if (signo == SIGUSR2) {
		flag = depth ? -1 : 1;
		return;
	}
	depth = 1;
	sys(__NR_tgkill, getpid(), sys(__NR_gettid), SIGUSR2);
	depth = 0;
}

TEST(sa_mask_holds_others_back)
{
	struct sigaction sa = { .sa_sigaction = on_usr2_masked, .sa_flags = SA_SIGINFO };

	depth = flag = 0;
	sigaddset(&sa.sa_mask, SIGUSR2);
	sigaction(SIGUSR1, &sa, NULL);
	handle(SIGUSR2, on_usr2_masked, 0);
	raise_usr1(NULL);
	expect_eq(flag, 1);
}

TEST(resethand_lasts_once)
{
	struct sigaction now;

	handle(SIGUSR1, on_clobber, SA_RESETHAND);
	flag = 0;
	raise_usr1(NULL);
	expect_eq(flag, 1);
	sigaction(SIGUSR1, NULL, &now);
	expect(now.sa_handler == SIG_DFL);
}

static long alt_flags;

static void on_altstack(int signo, siginfo_t *info, void *context)
{
	stack_t now, other = { .ss_sp = alt_stack, .ss_size = 20000 };
	char here;

	(void)signo;
	(void)info;
	flag = &here >= alt_stack && &here < alt_stack + sizeof(alt_stack);
	sys(__NR_sigaltstack, 0, &now);
	alt_flags = now.ss_flags;
	expect_eq(sys(__NR_sigaltstack, &other, 0), -EPERM);
	expect(((ucontext_t *)context)->uc_stack.ss_sp == alt_stack);
}

TEST(sigaltstack_is_used_when_asked_for)
{
	stack_t stack = { .ss_sp = alt_stack, .ss_size = sizeof(alt_stack) }, now;

	expect_eq(sys(__NR_sigaltstack, &stack, 0), 0);
	handle(SIGUSR1, on_altstack, SA_ONSTACK);
	raise_usr1(NULL);
	expect_eq(flag, 1);
	expect_eq(alt_flags, SS_ONSTACK);
	expect_eq(sys(__NR_sigaltstack, 0, &now), 0);
	expect_eq(now.ss_flags, 0);
	expect(now.ss_sp == alt_stack && now.ss_size == sizeof(alt_stack));
	handle(SIGUSR1, on_clobber, 0);
	raise_usr1(NULL);
	stack.ss_size = 100;
	expect_eq(sys(__NR_sigaltstack, &stack, 0), -ENOMEM);
	stack.ss_flags = 99;
	expect_eq(sys(__NR_sigaltstack, &stack, 0), -EINVAL);
	expect_eq(sys(__NR_sigaltstack, 8, 0), -EFAULT);
	stack.ss_flags = SS_DISABLE;
	expect_eq(sys(__NR_sigaltstack, &stack, 0), 0);
}

static void overflow(void *arg)
{
	volatile char *sp = (volatile char *)(((uintptr_t)arg & -4096ul) + 16);

	__asm__ volatile("mov x9, sp; mov sp, %0; str x9, [sp, #-16]!; mov sp, x9" ::"r"(sp)
			 : "x9", "memory");
}

static void on_overflow(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)signo;
	(void)info;
	flag++;
	uc->uc_mcontext.pc += 4;
}

TEST(a_full_stack_is_handled_on_the_other_one)
{
	stack_t stack = { .ss_sp = alt_stack, .ss_size = sizeof(alt_stack) };
	char *area = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(area, 4096, PROT_NONE);
	sys(__NR_sigaltstack, &stack, 0);
	handle(SIGSEGV, on_overflow, SA_ONSTACK);
	flag = 0;
	overflow(area + 4096 - 32);
	expect_eq(flag, 1);
	signal(SIGSEGV, SIG_DFL);
	stack.ss_flags = SS_DISABLE;
	sys(__NR_sigaltstack, &stack, 0);
	munmap(area, 8192);
}

static void do_brk(void *arg)
{
	(void)arg;
	__asm__ volatile("brk #7");
}

static void do_udf(void *arg)
{
	(void)arg;
	__asm__ volatile(".inst 0");
}

static void do_privileged(void *arg)
{
	(void)arg;
	__asm__ volatile("msr vbar_el1, xzr");
}

static void do_smc(void *arg)
{
	(void)arg;
	__asm__ volatile("smc #0");
}

static void do_hvc(void *arg)
{
	(void)arg;
	__asm__ volatile("hvc #0");
}

static void do_jump(void *arg)
{
	((void (*)(void))arg)();
}

static void expect_fault(void (*fn)(void *), void *arg, int signo, int code)
{
	struct fault f = fault_call(fn, arg);

	expect_eq(f.signo, signo);
	expect_eq(f.code, code);
}

TEST(faults_become_their_signals)
{
	expect_fault(do_brk, NULL, SIGTRAP, TRAP_BRKPT);
	expect_fault(do_udf, NULL, SIGILL, ILL_ILLOPC);
	expect_fault(do_privileged, NULL, SIGILL, ILL_ILLOPC);
	expect_fault(do_smc, NULL, SIGILL, ILL_ILLOPC);
	expect_fault(do_hvc, NULL, SIGILL, ILL_ILLOPC);
	expect_fault(do_jump, (void *)((uintptr_t)do_brk + 2), SIGBUS, BUS_ADRALN);
	expect_fault(do_jump, (void *)0xffff000000000000, SIGSEGV, SEGV_MAPERR);
}

TEST(sigaction_refuses_bad_arguments)
{
	struct sigaction sa = { .sa_handler = SIG_IGN };
	char kernel_sa[32] = { 0 };

	expect_eq(sys(__NR_rt_sigaction, SIGKILL, kernel_sa, 0, 8), -EINVAL);
	expect_eq(sys(__NR_rt_sigaction, SIGSTOP, kernel_sa, 0, 8), -EINVAL);
	expect_eq(sys(__NR_rt_sigaction, 0, kernel_sa, 0, 8), -EINVAL);
	expect_eq(sys(__NR_rt_sigaction, 65, kernel_sa, 0, 8), -EINVAL);
	expect_eq(sys(__NR_rt_sigaction, SIGUSR1, kernel_sa, 0, 4), -EINVAL);
	expect_eq(sys(__NR_rt_sigaction, SIGUSR1, 8, 0, 8), -EFAULT);
	expect_eq(sys(__NR_rt_sigaction, SIGUSR1, 0, 8, 8), -EFAULT);
	expect_eq(sigaction(SIGUSR1, &sa, NULL), 0);
	raise_usr1(NULL);
}

TEST(old_actions_are_reported)
{
	struct sigaction sa = { .sa_sigaction = on_nest, .sa_flags = SA_SIGINFO | SA_NODEFER }, old;

	sigaddset(&sa.sa_mask, SIGHUP);
	expect_eq(sigaction(SIGUSR1, &sa, NULL), 0);
	expect_eq(sigaction(SIGUSR1, NULL, &old), 0);
	expect(old.sa_sigaction == on_nest);
	expect_eq(old.sa_flags & (SA_SIGINFO | SA_NODEFER | SA_ONSTACK), SA_SIGINFO | SA_NODEFER);
	expect(sigismember(&old.sa_mask, SIGHUP) && !sigismember(&old.sa_mask, SIGINT));
}
