#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# tests/torture/random.c for half a minute: on 2 and 4 CPUs, under each policy of loading ahead, which
# must never matter for what is in the registers, and while the kernel takes them for itself in a timer's
# interrupt. `make nightly` takes ten minutes. A failure names its seed.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use StetTest;
use Test::More;

plan(skip_all => 'no kernel') unless grep { $_ eq 'stet' } kernels();

for (['adaptive', 2, 9], ['adaptive test.neon=1', 4, 9], ['eager', 2, 4], ['lazy', 4, 4], ['strict test.neon=1', 2, 4]) {
	my ($policy, $cpus, $seconds) = @$_;
	my ($status, $out, $err) = run("$top/tools/stet-qemu", '--smp', $cpus, '--mem', 1024, '--timeout', 240,
		'--append', "fp_policy=$policy", '--', "$top/build/user/tests/torture/random", $seconds, int(rand(1 << 31)));

	is($status, 0, "$policy, $cpus CPUs, $seconds seconds") or diag($out, $err);
}

done_testing();
