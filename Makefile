# SPDX-License-Identifier: BSD-2-Clause
#
# The whole build in one file, without recursion. Three worlds, each with one block of variables and
# one pattern rule into a directory of its own under build/:
#
#	kernel	kernel/**/*.[cS]		bare aarch64	build/stet (a flat Image), build/stet.elf
#	user	vmm/ user/ tests/user/ ...	static musl	build/user/
#	host	kernel/**/x_test.c, x_model.c	this machine	build/host/, under ASan and UBSan
#
# `make help` lists the targets. New files are found by wildcard; nothing is listed here but what
# cannot be guessed.

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-builtin-variables
ifeq ($(filter -j% --jobserver%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc)
endif

S := build/sysroot
GOALS := $(or $(MAKECMDGOALS),all)

# What each target needs on this machine. tools/setup installs only what is missing.
SETUP := $(if $(filter-out clean help format,$(GOALS)),build) \
	$(if $(filter run gdb test nightly bench bench-%,$(GOALS)),run) \
	$(if $(filter check test nightly bench clang lint host mutate plugin,$(GOALS)),test) \
	$(if $(filter gdb format,$(GOALS)),dev) $(if $(filter nightly,$(GOALS)),nightly) \
	$(if $(filter bench,$(GOALS)),bench)
ifneq ($(strip $(SETUP)),)
$(shell tools/setup $(SETUP) >&2)
ifneq ($(.SHELLSTATUS),0)
$(error set-up incomplete, see above)
endif
endif

CROSS := $(if $(filter-out aarch64,$(shell uname -m)),aarch64-linux-gnu-)
CC := $(CROSS)gcc
HOSTCC := gcc
CLANG := clang
LIBGCC = $(shell $(CC) -print-libgcc-file-name)
# The headers every arm64 world shares: the compiler's own and the kernel's UAPI.
CC_INCLUDE = $(shell $(CC) -print-file-name=include)
UAPI := -isystem $S/usr/include/aarch64-linux-gnu -isystem $S/usr/include
MUSL := $S/usr/lib/aarch64-linux-musl
LIBFDT := $S/usr/lib/aarch64-linux-gnu/libfdt.a

# A recipe line shows as one word and a name; V=1 shows the command itself.
quiet = $(if $V,,@$(if $(findstring s,$(firstword -$(MAKEFLAGS))),,printf '  %-8s%s\n' '$1' '$2' && ))

WARN := -Wall -Wextra -Werror
DEPS = -MMD -MP -MF $@.d -MT $@

comma := ,

# What is made of all files of a kind depends on their list too, which changes when a file goes or comes.
LISTS = build/kernel.list build/host/pure.list
build/kernel.list: LIST = $(KERNEL_OBJS)
build/host/pure.list: LIST = $(PURE_OBJS)
$(LISTS): force
	@mkdir -p $(@D)
	@echo '$(LIST)' | cmp -s - $@ || echo '$(LIST)' >$@

.PHONY: force
force:

# without-tests LIST: the files of LIST that are not host tests, models or races
without-tests = $(filter-out %_test.c %_model.c %_race.c,$1)

# ---- kernel ------------------------------------------------------------------------------------

KERNEL_C := $(call without-tests,$(shell find kernel -name '*.c' 2>/dev/null | sort))
KERNEL_S := $(shell find kernel -name '*.S' 2>/dev/null | sort)
OFFSETS_C := $(filter kernel/sched/offsets.c,$(KERNEL_C))
KERNEL_C := $(filter-out $(OFFSETS_C),$(KERNEL_C))
KERNEL_LD := $(wildcard kernel/boot/kernel.ld)
KERNEL_OBJS := $(patsubst %,build/%.o,$(KERNEL_C) $(KERNEL_S))
KERNEL_INCLUDE := -Ikernel -Ibuild/kernel -idirafter kernel/lib/freestanding
KERNEL_WARN := $(WARN) -Wstrict-prototypes -Wmissing-prototypes -Wshadow -Wundef -Wvla
KERNEL_BASE := -std=gnu11 -march=armv8.1-a -mgeneral-regs-only -ffreestanding -fno-pic \
	-mcmodel=small -O2 -g -fno-common -fno-stack-protector -fomit-frame-pointer \
	-fno-asynchronous-unwind-tables -fno-strict-aliasing
# A Cortex-A53 has no VHE. What is done about its errata costs up to 4 KiB, whenever an adrp lies at the end of a page.
NO_A53 := -mno-fix-cortex-a53-835769 -mno-fix-cortex-a53-843419
# No filling between functions and in front of loops: it is 2 KiB of nops. Only gcc knows these.
KERNEL_CFLAGS = $(KERNEL_BASE) -mno-outline-atomics -fconserve-stack $(KERNEL_WARN) \
	-falign-functions=4 -fno-align-jumps -fno-align-loops -fno-align-labels $(NO_A53) \
	-nostdinc -isystem $(CC_INCLUDE) $(KERNEL_INCLUDE) $(UAPI)
KERNEL_LDFLAGS := $(NO_A53) -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,max-page-size=4096 \
	-Wl,-z,noexecstack -Wl,--no-warn-rwx-segments

KERNEL_OFFSETS := $(if $(OFFSETS_C),build/kernel/offsets.h)

build/kernel/%.c.o: kernel/%.c Makefile | $S/stamp
	@mkdir -p $(@D)
	$(call quiet,CC,$<)$(CC) $(KERNEL_CFLAGS) $(DEPS) -c $< -o $@

build/kernel/%.S.o: kernel/%.S Makefile $(KERNEL_OFFSETS) | $S/stamp
	@mkdir -p $(@D)
	$(call quiet,CC,$<)$(CC) $(KERNEL_CFLAGS) $(DEPS) -c $< -o $@

# What no exit and no frequent system call goes through is built for size.
build/kernel/boot/%.o build/kernel/drivers/%.o build/kernel/linux/%.o: KERNEL_CFLAGS += -Os
COLD := arch/timer arch/trap sched/stack kvm/irqfd kvm/psci
HOT := fs/fd fs/file fs/iter ipc/eventfd ipc/pipe syscall trap
$(HOT:%=build/kernel/linux/%.c.o): KERNEL_CFLAGS += -O2
COLD += arch/cpu arch/panic arch/power bank/fp_kernel bank/fp_length bank/fp_stats kvm/inject lib/format lib/printk mm/mmu sched/metronome sched/watchdog $(addprefix kvm/,api debug device id_regs one_reg \
	proc_stet proc_vm stats sve vcpu_life vm vgic/access vgic/setup watch)
$(COLD:%=build/kernel/%.c.o): KERNEL_CFLAGS += -Os

# Runs with the MMU off, on a CPU that may be no more than Armv8.0.
build/kernel/boot/early.c.o: KERNEL_CFLAGS += -march=armv8-a -mstrict-align

# Structure offsets for assembly: offsets.c is compiled to assembly whose `#define NAME value`
# lines are taken out.
build/kernel/offsets.h: kernel/sched/offsets.c Makefile | $S/stamp
	@mkdir -p $(@D)
	$(call quiet,OFFSETS,$@)$(CC) $(KERNEL_CFLAGS) -MMD -MP -MF $@.d -MT $@ -S $< -o $(@D)/offsets.s
	@sed -n 's/^[[:space:]]*#define \([A-Za-z0-9_]*\) [#$$]*\(.*\)/#define \1 \2/p' \
		$(@D)/offsets.s >$@

build/stet.elf: $(KERNEL_OBJS) $(KERNEL_LD) build/kernel.list
	$(call quiet,LD,$@)$(CC) $(KERNEL_LDFLAGS) -Wl,-T,$(KERNEL_LD) -Wl,-Map,build/stet.map $(KERNEL_OBJS) \
		$(LIBFDT) $(LIBGCC) -o $@

build/stet: build/stet.elf
	$(call quiet,IMAGE,$@)$(CROSS)objcopy -O binary $< $@

.PHONY: kernel
kernel: $(KERNEL_OBJS) $(if $(KERNEL_LD),build/stet)

# clang reads every kernel file too: its thread-safety analysis checks the lock annotations.
CLANG_FLAGS = --target=aarch64-none-elf $(KERNEL_BASE) $(KERNEL_WARN) -Wthread-safety \
	-Wno-unknown-warning-option -Wno-unused-command-line-argument -Wno-gnu-variable-sized-type-not-at-end \
	-nostdlibinc $(KERNEL_INCLUDE) $(UAPI)
CLANG_OKS := $(patsubst %,build/clang/%.ok,$(KERNEL_C) $(OFFSETS_C))

build/clang/%.ok: % Makefile | $S/stamp
	@mkdir -p $(@D)
	$(call quiet,CLANG,$<)$(CLANG) $(CLANG_FLAGS) -fsyntax-only $(DEPS) $<
	@touch $@

.PHONY: clang
clang: $(CLANG_OKS)

# ---- user: static arm64 Linux programs with musl -------------------------------------------------

USER_CFLAGS = -std=gnu11 -march=armv8-a -O2 -g $(WARN) -fno-pic -fno-stack-protector \
	-fno-asynchronous-unwind-tables -mno-outline-atomics -D_GNU_SOURCE \
	-nostdinc -isystem $(CC_INCLUDE) -isystem $S/usr/include/aarch64-linux-musl $(UAPI) -I. -Itests
USER_LINK = $(call quiet,LD,$@)$(CC) -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,noexecstack \
	$(MUSL)/crt1.o $(MUSL)/crti.o $1 -Wl,--start-group -lc $(LIBGCC) -Wl,--end-group \
	$(MUSL)/crtn.o -L$(MUSL) -o $@

user-objs = $(patsubst %,build/user/obj/%.o,$(call without-tests,$1))
# programs DIR: what is built from the sources directly in DIR, one program each
programs = $(patsubst %.c,build/user/%,$(call without-tests,$(wildcard $1/*.c)))

TAP_OBJS := $(call user-objs,tests/tap.c tests/tap_main.c $(wildcard tests/lib/*.c))
KVM_OBJS := $(call user-objs,$(wildcard tests/kvm/lib/*.c tests/kvm/lib/*.S))
BENCH_OBJS := $(call user-objs,$(wildcard bench/lib/*.c bench/lib/*.S)) $(TAP_OBJS) $(KVM_OBJS)
VMM_OBJS := $(call user-objs,$(wildcard vmm/*.c))

USER_SMALL := $(patsubst user/%.c,build/user/%,$(wildcard user/*.c))
USER_TESTS := $(call programs,tests/user)
KVM_TESTS := $(call programs,tests/kvm)
TORTURE_TESTS := $(call programs,tests/torture)
TORTURE_OBJS := $(call user-objs,$(wildcard tests/torture/lib/*.c))
# one program a file, and one of all files of bench/exits
BENCHES := $(call programs,bench) build/user/bench/exits
EXITS_OBJS := $(call user-objs,$(wildcard bench/exits/*.c))
STET := $(if $(VMM_OBJS),build/user/stet)

# tests run in the order they stand in their file
build/user/obj/tests/%: USER_CFLAGS += -fno-toplevel-reorder

build/user/obj/%.o: % Makefile | $S/stamp
	@mkdir -p $(@D)
	$(call quiet,CC,$<)$(CC) $(USER_CFLAGS) $(DEPS) -c $< -o $@

build/user/stet: $(VMM_OBJS)
	$(call USER_LINK,$(VMM_OBJS) $(LIBFDT))

$(USER_SMALL): build/user/%: build/user/obj/user/%.c.o
	$(call USER_LINK,$<)

$(USER_TESTS): build/user/%: build/user/obj/%.c.o $(TAP_OBJS)
	@mkdir -p $(@D)
	$(call USER_LINK,$^)

# One of them also as a program that may lie anywhere.
PIE_TEST := build/user/tests/user/start_pie
PIE_OBJS := $(patsubst %,build/user/pie/%.o,tests/user/start.c tests/tap.c tests/tap_main.c $(wildcard tests/lib/*.c))

build/user/pie/%.o: % Makefile | $S/stamp
	@mkdir -p $(@D)
	$(call quiet,CC,$<)$(CC) $(filter-out -fno-pic,$(USER_CFLAGS)) -fPIE -fno-toplevel-reorder $(DEPS) -c $< -o $@

$(PIE_TEST): $(PIE_OBJS)
	$(call quiet,LD,$@)$(CC) -nostdlib -static-pie -Wl,--build-id=none -Wl,-z,noexecstack,-z,text $(MUSL)/rcrt1.o \
		$(MUSL)/crti.o $^ -Wl,--start-group -lc $(LIBGCC) -Wl,--end-group $(MUSL)/crtn.o -L$(MUSL) -o $@

$(KVM_TESTS): build/user/%: build/user/obj/%.c.o $(TAP_OBJS) $(KVM_OBJS)
	@mkdir -p $(@D)
	$(call USER_LINK,$^)

$(TORTURE_TESTS): build/user/%: build/user/obj/%.c.o $(TORTURE_OBJS) $(TAP_OBJS) $(KVM_OBJS)
	@mkdir -p $(@D)
	$(call USER_LINK,$^)

$(filter-out %/exits,$(BENCHES)): build/user/%: build/user/obj/%.c.o $(BENCH_OBJS)
	@mkdir -p $(@D)
	$(call USER_LINK,$^)

build/user/bench/exits: $(EXITS_OBJS) $(BENCH_OBJS)
	@mkdir -p $(@D)
	$(call USER_LINK,$^)

# And some with glibc, for `make test` alone: other locks, other ways to start a thread.
G := $S/programs/usr
GLIBC := $G/lib/aarch64-linux-gnu
GCC_FILE = $(shell $(CC) -print-file-name=$1)
GLIBC_TESTS := $(patsubst %,build/user/tests/user/%_glibc,thread signal)
GLIBC_CFLAGS = $(subst -isystem $S/usr/include/aarch64-linux-musl,-isystem $G/include/aarch64-linux-gnu -isystem $G/include,\
	$(USER_CFLAGS)) -fno-toplevel-reorder

$S/programs/stamp: tools/programs
	tools/programs

build/user/glibc/%.o: % Makefile | $S/stamp $S/programs/stamp
	@mkdir -p $(@D)
	$(call quiet,CC,$<)$(CC) $(GLIBC_CFLAGS) $(DEPS) -c $< -o $@

$(GLIBC_TESTS): build/user/tests/user/%_glibc: build/user/glibc/tests/user/%.c.o \
		$(patsubst %,build/user/glibc/%.o,tests/tap.c tests/tap_main.c $(wildcard tests/lib/*.c))
	$(call quiet,LD,$@)$(CC) -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,noexecstack $(GLIBC)/crt1.o \
		$(GLIBC)/crti.o $(call GCC_FILE,crtbeginT.o) $^ -L$(GLIBC) -Wl,--start-group -lc $(LIBGCC) \
		$(call GCC_FILE,libgcc_eh.a) -Wl,--end-group $(call GCC_FILE,crtend.o) $(GLIBC)/crtn.o -o $@

.PHONY: user
user: $(STET) $(USER_SMALL) $(USER_TESTS) $(PIE_TEST) $(KVM_TESTS) $(TORTURE_TESTS) $(BENCHES)

# ---- host: unit tests and models under sanitizers ------------------------------------------------
#
# Pure code is what has a test beside it, all of kernel/lib, and what PURE_MORE names.
# It goes into one archive, from which each test takes what it needs; tests/host/stubs.c stands in
# for the rest of the kernel. The string functions are the host's own: the sanitizers know them.

PURE_MORE := kernel/kvm/vgic/dist.c kernel/kvm/vgic/redist.c kernel/kvm/vgic/sgi.c vmm/virtio_blk.c
HOST_OWN := kernel/lib/string.c

TEST_C := $(shell find kernel vmm -name '*_test.c' 2>/dev/null | sort)
PURE_C := $(filter-out $(HOST_OWN),$(sort $(call without-tests,$(wildcard kernel/lib/*.c) $(PURE_MORE) \
	$(wildcard $(TEST_C:_test.c=.c)))))
HOST_TESTS := $(patsubst %.c,build/host/%,$(TEST_C))
PURE_OBJS := $(patsubst %,build/host/obj/%.o,$(PURE_C))
HOST_OBJS := $(patsubst %,build/host/obj/%.o,tests/tap.c tests/tap_main.c tests/host/stubs.c)
# The arm64 UAPI headers come before the host's, so that both worlds see the same structures.
HOST_CFLAGS := -std=gnu11 -O1 -g $(WARN) -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer -fno-strict-aliasing -fno-toplevel-reorder -D_GNU_SOURCE -Ikernel -I. -Itests $(UAPI)

build/host/obj/%.o: % Makefile | $S/stamp
	@mkdir -p $(@D)
	$(call quiet,HOSTCC,$<)$(HOSTCC) $(HOST_CFLAGS) $(DEPS) -c $< -o $@

build/host/pure.a: $(PURE_OBJS) build/host/pure.list
	@rm -f $@
	$(call quiet,AR,$@)ar -rcs $@ $(PURE_OBJS)

$(HOST_TESTS): build/host/%: build/host/obj/%.c.o $(HOST_OBJS) build/host/pure.a
	@mkdir -p $(@D)
	$(call quiet,HOSTLD,$@)$(HOSTCC) -fsanitize=address,undefined $^ -lfdt -o $@

build/host/passed: $(HOST_TESTS)
	@mkdir -p $(@D)
	$(if $(HOST_TESTS),@prove -Q -j$(shell nproc) --exec env $(HOST_TESTS))
	@touch $@

# x_race.c: x.c with real threads under the thread sanitizer.
RACES := $(patsubst %.c,build/host/%,$(shell find kernel -name '*_race.c' 2>/dev/null | sort))
RACE_CFLAGS := $(subst address$(comma)undefined,thread,$(HOST_CFLAGS)) -pthread

build/host/%_race: %_race.c %.c tests/tap.c tests/tap_main.c tests/host/stubs.c Makefile | $S/stamp
	@mkdir -p $(@D)
	$(call quiet,HOSTCC,$<)$(HOSTCC) $(RACE_CFLAGS) $(filter %.c,$^) -o $@

# x_model.c: x.c, which it includes, in every interleaving; tests/host/explore.h. Without sanitizers and
# inline functions: what is left of them on stacks would make states differ that are equal.
MODELS := $(patsubst %.c,build/host/%,$(shell find kernel -name '*_model.c' 2>/dev/null | sort))
MODEL_CC := $(HOSTCC) $(filter-out -O1 -fsanitize% -fno-sanitize% -fno-omit%,$(HOST_CFLAGS)) -O2 -fno-inline
MODEL_C := tests/host/explore.c tests/host/states.c tests/tap.c tests/tap_main.c tests/host/stubs.c

.SECONDEXPANSION:
build/host/%_model: %_model.c $$(wildcard $$(dir $$*)*.[ch]) $(MODEL_C) $(wildcard tests/host/*.h) Makefile | $S/stamp
	@mkdir -p $(@D)
	$(call quiet,HOSTCC,$<)$(MODEL_CC) $< $(MODEL_C) -o $@

$(addsuffix .passed,$(RACES) $(MODELS)): %.passed: %
	@prove -Q --exec env $<
	@touch $@

# x_mutants.txt: mistakes made in x.c one by one, which x_model.c must find.
MUTANTS := $(patsubst %.txt,build/host/%.passed,$(shell find kernel -name '*_mutants.txt' 2>/dev/null | sort))

build/host/%_mutants.passed: %_mutants.txt tests/host/mutants build/host/%_model.passed
	@MUTANT_CC='$(MODEL_CC)' MUTANT_DIR=$(@D)/mutants prove -Q --exec tests/host/mutants $<
	@touch $@

# What the models explore when there is time: each a search of its own, to its last state. In 10 GiB.
MODEL_FULL := 'bank/bank_model 2 5 1' 'bank/fp_model 1 0xfe 1 0x1 0 0 0' 'bank/fp_model 1 0xfe 0 0 0 1 1'

.PHONY: host mutate model-full
mutate: $(MUTANTS)
model-full: $(MODELS:=.passed)
	@ulimit -v 10485760; for search in $(MODEL_FULL); do build/host/kernel/$$search || exit 1; done
host: build/host/passed $(RACES:=.passed) $(MODELS:=.passed) $(MUTANTS)

.PHONY: bench bench-check bench-update
bench: all plugin build/guest-initrd.cpio
	@tools/bench
	@tools/bench-report
bench-check: kernel user
	@tools/bench-check
bench-update: kernel user
	@tools/bench-check --update && git --no-pager diff --stat bench/budget.txt

.PHONY: lint
lint: build/stet
	@tools/lint

# ---- the QEMU plugin that counts instructions ----------------------------------------------------

build/plugin/%.so: tools/plugin/%.c Makefile
	@mkdir -p $(@D)
	$(call quiet,HOSTCC,$<)$(HOSTCC) -std=gnu11 -O2 $(WARN) -shared -fPIC -fvisibility=hidden $(DEPS) $< -o $@

.PHONY: plugin
plugin: build/plugin/count.so build/plugin/masked.so

# ---- running it ----------------------------------------------------------------------------------

build/guest-initrd.cpio: tools/guest-initrd $S/stamp
	$(call quiet,CPIO,$@)tools/guest-initrd $@

# tools/run has the variables: CPUS MEM GUEST_CPUS GUEST_MEM GUEST_KERNEL GUEST_INITRD ...
RUN_NEEDS := kernel $(STET) $(USER_SMALL) build/guest-initrd.cpio

.PHONY: run gdb
run: $(RUN_NEEDS)
	@tools/run
gdb: $(RUN_NEEDS)
	@tools/run --gdb

# ---- everything ----------------------------------------------------------------------------------

$S/stamp: tools/sysroot
	tools/sysroot

.PHONY: all check test nightly clean format help
all: kernel user

check: all clang host plugin

# KERNEL/CPU: where every program of tests/user, tests/kvm and tests/torture runs. tests/one knows what to do with
# each kind of test. The machines take turns in the list, so that two run side by side.
MACHINES := linux/max $(if $(KERNEL_LD),stet/max stet/a64fx stet/cortex-a76)
PROGRAMS := $(USER_TESTS) $(PIE_TEST) $(GLIBC_TESTS) $(KVM_TESTS) $(TORTURE_TESTS)
# The torture passes on Linux too, but takes minutes there: that is nightly's.
ON_LINUX := $(foreach t,$(filter-out $(TORTURE_TESTS),$(PROGRAMS)),linux/max/$(t:build/user/tests/%=%))
TORTURE_ON_LINUX := $(TORTURE_TESTS:build/user/tests/%=linux/max/%)
ON_STET := $(foreach t,$(PROGRAMS),\
	$(patsubst %,%/$(t:build/user/tests/%=%),$(filter stet/%,$(MACHINES))))
# The first of an area on Linux runs all of them in one boot; the others would wait for that. The first of all are
# those that take longest, so that none of them is alone at the end.
FIRST := $(foreach a,kvm user,$(firstword $(filter linux/max/$a/%,$(ON_LINUX))))
SLOW := $(filter %/many %/migrate %/bankstorm %/killstorm %/lifecycle %/thread,$(ON_STET))
PROGRAM_TESTS := $(SLOW) $(filter-out $(SLOW),$(ON_STET)) $(filter-out $(FIRST),$(ON_LINUX))
LONG_TESTS := tests/system/day.t tests/system/two_guests.t tests/system/debuggers.t tests/system/share.t
SYSTEM_TESTS := $(filter-out $(LONG_TESTS),$(sort $(wildcard tests/system/*.t)))
# One more than there are CPUs: some tests sleep.
PROVE := prove --timer -j$(shell expr $$(nproc) + 1) --exec tests/one

# Debian's QEMU for arm64, a VMM to test with.
build/qemu-root.stamp: tools/qemu-root
	@tools/qemu-root
	@touch $@

test: all clang plugin build/guest-initrd.cpio build/qemu-root.stamp $(HOST_TESTS) $(MODELS) $(RACES) $(GLIBC_TESTS)
	@rm -rf build/results
	@$(PROVE) $(FIRST) $(SYSTEM_TESTS) $(MODELS) $(RACES) $(PROGRAM_TESTS) $(HOST_TESTS)

# What takes too long for `make test`: KERNEL/CPU/AREA/NAME,ARGUMENT.
NIGHTLY := $(MACHINES:%=%/kvm/bankstorm$(comma)1000000) $(MACHINES:%=%/kvm/killstorm$(comma)1000) \
	$(foreach t,kvm/hotplug$(comma)400 kvm/migrate$(comma)3000 user/eventfd$(comma)50000 user/futex$(comma)50000 torture/random$(comma)600 \
		user/many$(comma)10000 user/fuzz_frames$(comma)300 user/fuzz_regsets$(comma)300 kvm/fuzz_regs$(comma)300 \
		user/follow$(comma)300,\
		$(MACHINES:%=%/$t)) \
	$(patsubst %,%/user/fuzz$(comma)1800,$(filter stet/%,$(MACHINES))) $(TORTURE_ON_LINUX) $(LONG_TESTS) tests/system/qemu.t \
	$(sort $(wildcard tests/machines/*.t))

nightly: all $(HOST_TESTS) mutate model-full
	@NIGHTLY=1 $(PROVE) $(NIGHTLY)

clean:
	find build -mindepth 1 -maxdepth 1 ! -name sysroot -exec rm -rf {} + 2>/dev/null || true

format:
	git ls-files '*.c' '*.h' | xargs clang-format -i

help:
	@echo 'make           build the kernel (build/stet), the VMM (build/user/stet) and all programs'
	@echo 'make check     build everything, warnings are errors; clang; host tests'
	@echo 'make test      all of that, and everything that runs under QEMU'
	@echo 'make nightly   what takes hours: a million exits with registers that must not be lost, a day of virtual time'
	@echo 'make run       boot Stet in QEMU and Debian on it as a guest, at this terminal;'
	@echo '               CPUS=2 MEM=2048 GUEST_CPUS=2 GUEST_MEM=512 DISK=build/disk.img'
	@echo '               SHELL_ON=host: a shell on Stet itself; VMM=qemu: Debian'\''s QEMU as the VMM'
	@echo '               GUEST_KERNEL=Image GUEST_INITRD=FILE GUEST_CMDLINE=WORDS'
	@echo 'make gdb       the same under the debugger, stopped at the first instruction'
	@echo 'make clean     remove what was built (not the unpacked packages in build/sysroot)'
	@echo 'make bench     what it costs, in instructions, beside Linux in the same QEMU'
	@echo 'make bench-check   compare Stet'"'"'s rows with bench/budget.txt; bench-update writes it'
	@echo 'make model-full   larger searches of the models, each to its last state'
	@echo 'make mutate    do the models find the mistakes they have to find?'
	@echo 'make lint      look for misplaced vector registers and missing isb in the kernel'
	@echo 'make format    format the C sources'

-include $(shell find build -name '*.d' -not -path 'build/sysroot/*' 2>/dev/null)
