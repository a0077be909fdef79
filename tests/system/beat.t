#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# What cheap exits must not be paid with: a timer's interrupt is not kept waiting, and a kernel thread
# that wakes runs within a slice, beside eight vCPUs that never stop (bench/beat.c).

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use StetTest;
use Test::More;

plan(skip_all => 'no kernel') unless grep { $_ eq 'stet' } kernels();

my ($status, $out) = run("$top/tools/stet-qemu", '--icount', '--timeout', 200, '--append', 'bench.kthread=1', '--',
	"$top/build/user/bench/beat");
is($status, 0, 'bench/beat ends') or diag($out);
my %said = $out =~ /^(\w+) (\d+)/mg;
cmp_ok($said{beat} // 1e9, '<', 2000, 'a wake-up beside a vCPU, there and back, in instructions');
cmp_ok($said{masked} // 1e9, '<', 5000, 'no interrupt is later than 5 us');
cmp_ok($said{waited} // 1e9, '<', 4100000, 'a waking kernel thread runs within a slice');
# The VMM's own registers go when the guest first uses its, and come back to read the numbers: no more than that.
cmp_ok($said{beats} // 0, '>=', 40, 'a kernel thread came often beside a vCPU that uses vector registers');
cmp_ok($said{moved} // 1e9, '<=', 6, '... and no vector register moved for it, nor trapped');
diag("beat $said{beat}, masked $said{masked}, waited $said{waited}");

($status, $out) = run("$top/tools/stet-qemu", '--icount', '--', "$top/build/user/bench/beat");
is($status, 1, 'without the boot argument there is no such thread');
done_testing();
