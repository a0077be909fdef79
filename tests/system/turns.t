#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The watchdog tells a CPU that is stuck from one that QEMU does not run (kernel/sched/watchdog.c). Under -icount
# a program that never sleeps on CPU 0 leaves CPU 1 nearly no turn for as long as it runs: that is no panic. With 128 ns
# an instruction 24 s are 190 million. (Of one that is stuck, under -icount too: crash.t.)

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use StetTest;
use Test::More;

plan(skip_all => 'no kernel') unless grep { $_ eq 'stet' } kernels();

my $script = <<'END';
taskset 2 sh -c 'n=0; while :; do true & wait; n=$((n + 1)); echo $n >/turns; done' &
sleep 0.1
taskset 1 sh -c 'while read up idle </proc/uptime; [ ${up%.*} -lt 24 ]; do :; done'
cat /turns
END

open(my $file, '>', "$scratch/script") or die "$scratch/script: $!";
print $file $script;
close($file) or die "$scratch/script: $!";
my ($status, $out, $err) = run("$top/tools/stet-qemu", '--icount', '--smp', 2, '--timeout', 120,
	'--qemu', '-icount', '--qemu', 'shift=7,sleep=off', '--file', "/script=$scratch/script", '--', $busybox, 'sh', '/script');
is($status, 0, 'a CPU that has no turn is not stuck') or diag($err);
like($out, qr/^\d+$/, '... and it has had some');
diag("$out turns in 24 s") if $out =~ s/\n//;
done_testing();
