#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# A minute of random system calls (tests/user/fuzz.c), other ones each time; FUZZ_SECONDS for more. What is printed
# is enough to repeat them: tools/stet-qemu … -- build/user/tests/user/fuzz 1 SEED trace

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use StetTest;
use Test::More;

plan(skip_all => 'no kernel') unless grep { $_ eq 'stet' } kernels();

my $seconds = $ENV{FUZZ_SECONDS} // 60;
my $seed = time * 1000 + $$ % 1000;

my ($status, $out, $err) = run("$top/tools/stet-qemu", '--smp', 2, '--mem', 1024, '--timeout', 5 * $seconds + 120, '--',
			       "$top/build/user/tests/user/fuzz", $seconds, $seed);
is($status, 0, 'the kernel and the other process are as before') or diag($out, $err);
like($out, qr/^# (\d+) seeds, (\d+) calls$/m, 'calls were made');
diag($1) if $ENV{FUZZ_SECONDS} && $out =~ /^# (.* calls)$/m;

done_testing();
