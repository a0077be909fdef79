#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# What nobody means, other things each time; FUZZ_SECONDS for more. A minute of random system calls (tests/user/fuzz.c);
# beside it, in a machine whose CPU is chosen at random, a minute of the borders of registers: signal frames and vector
# lengths (tests/user/fuzz_frames.c), a tracer's writes (tests/user/fuzz_regsets.c), a VMM's (tests/kvm/fuzz_regs.c). What is
# printed is enough to repeat them:
#
#	tools/stet-qemu … -- build/user/tests/user/fuzz 1 SEED trace
#	tools/stet-qemu --cpu CPU … -- build/user/tests/user/fuzz_frames 0 SEED

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use POSIX ();
use StetTest;
use Test::More;

plan(skip_all => 'no kernel') unless grep { $_ eq 'stet' } kernels();

my $seconds = $ENV{FUZZ_SECONDS} // 60;
my $seed = time * 1000 + $$ % 1000;
my $cpu = ('max', 'a64fx', 'cortex-a76')[rand 3];
my @machine = ("$top/tools/stet-qemu", '--mem', 1024, '--timeout', 5 * $seconds + 120);

# ---- the borders, one third of the time each ----

my @programs = ('kvm/fuzz_regs', 'user/fuzz_frames', 'user/fuzz_regsets');
my $line = join('; ', map { sprintf('/%s %d %d', $_, $seconds / @programs, $seed) } @programs);
my $said = "$scratch/borders";

my $pid = fork() // die "fork: $!";
if ($pid == 0) {
	open(STDIN, '<', '/dev/null');
	open(STDOUT, '>', $said);
	open(STDERR, '>&', \*STDOUT);
	exec(@machine, '--cpu', $cpu, '--file', "/bin/busybox=$busybox",
		(map { ('--file', "/$_=$top/build/user/tests/$_") } @programs), '--', '/bin/busybox', 'sh', '-c', $line)
		or POSIX::_exit(127);
}

# ---- system calls ----

my ($status, $out, $err) = run(@machine, '--smp', 2, '--', "$top/build/user/tests/user/fuzz", $seconds, $seed);
is($status, 0, 'the kernel and the other process are as before') or diag($out, $err);
like($out, qr/^# (\d+) seeds, (\d+) calls$/m, 'calls were made');
diag($1) if $ENV{FUZZ_SECONDS} && $out =~ /^# (.* calls)$/m;

waitpid($pid, 0);
$status = $?;
$out = StetTest::slurp($said);
is($status, 0, "$cpu: the kernel is as before") or diag($out);
is(() = $out =~ /^ok 1 - /mg, scalar @programs, "$cpu, from seed $seed: each border does as Linux does") or diag($out);
is(() = $out =~ /^# [1-9]\d* seeds$/mg, scalar @programs, '... and was tried');
diag($out) if $ENV{FUZZ_SECONDS};

done_testing();
