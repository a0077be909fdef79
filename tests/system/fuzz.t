#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Sixty seconds of what nobody means, other things each time: of random system calls (tests/user/fuzz.c), and as many of the
# borders of registers, side by side on a CPU that is chosen at random: signal frames and vector lengths
# (tests/user/fuzz_frames.c), a tracer's writes (tests/user/fuzz_regsets.c), a VMM's (tests/kvm/fuzz_regs.c). FUZZ_SECONDS
# for more. What is printed is enough to repeat them:
#
#	tools/stet-qemu … -- build/user/tests/user/fuzz 1 SEED trace
#	tools/stet-qemu --cpu CPU … -- build/user/tests/user/fuzz_frames 0 SEED

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use StetTest;
use Test::More;

plan(skip_all => 'no kernel') unless grep { $_ eq 'stet' } kernels();

my $seconds = $ENV{FUZZ_SECONDS} // 60;
my $seed = time * 1000 + $$ % 1000;
my @machine = ("$top/tools/stet-qemu", '--smp', 2, '--mem', 1024, '--timeout', 5 * $seconds + 120);

my ($status, $out, $err) = run(@machine, '--', "$top/build/user/tests/user/fuzz", $seconds, $seed);
is($status, 0, 'the kernel and the other process are as before') or diag($out, $err);
like($out, qr/^# (\d+) seeds, (\d+) calls$/m, 'calls were made');
diag($1) if $ENV{FUZZ_SECONDS} && $out =~ /^# (.* calls)$/m;

my %seconds = (map { $_ => $seconds / 3 } 'user/fuzz_frames', 'user/fuzz_regsets', 'kvm/fuzz_regs');
my @programs = sort keys %seconds;
my $cpu = ('max', 'a64fx', 'cortex-a76')[rand 3];
my $line = '/bin/busybox mkdir -p /tmp; ' . join(' ', map { sprintf('/%s %d %d >/tmp/%s &', $_, $seconds{$_}, $seed, s{.*/}{}r) } @programs) .
	' wait; /bin/busybox cat /tmp/fuzz_*';
($status, $out, $err) = run(@machine, '--cpu', $cpu, '--file', "/bin/busybox=$busybox",
	(map { ('--file', "/$_=$top/build/user/tests/$_") } @programs), '--', '/bin/busybox', 'sh', '-c', $line);
is($status, 0, "$cpu: the kernel is as before") or diag($err);
is(() = $out =~ /^ok 1 - /mg, scalar @programs, "$cpu, from seed $seed: each border does as Linux does") or diag($out);
is(() = $out =~ /^# [1-9]\d* seeds$/mg, scalar @programs, '... and was tried');
diag($out) if $ENV{FUZZ_SECONDS};

done_testing();
