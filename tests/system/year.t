#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# A machine that has been up for a year, most of which it slept, and whose counter's period is no whole number of
# nanoseconds: a timer still fires once. Under -icount that costs no time.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use StetTest;
use Test::More;

plan(skip_all => 'no kernel') unless grep { $_ eq 'stet' } kernels();

my $script = <<'END';
count() { awk '/^ *26:/ { print $2 + $3 }' /proc/interrupts; }
sleep 31536000
before=$(count)
for i in $(seq 100); do usleep 10000; done
echo "timers $(($(count) - before))"
cut -d. -f1 /proc/uptime
date -u +%Y
END

open(my $file, '>', "$scratch/script") or die "$scratch/script: $!";
print $file $script;
close($file) or die "$scratch/script: $!";
my ($status, $out, $err) = run("$top/tools/stet-qemu", '--icount', '--cpu', 'max,cntfrq=24000000', '--smp', 2, '--timeout', 120,
	'--file', "/script=$scratch/script", '--', $busybox, 'sh', '/script');
is($status, 0, 'a year passes') or diag($out, $err);
my ($timers) = $out =~ /^timers (\d+)/m;
cmp_ok($timers // 1e9, '<=', 110, 'a hundred sleeps are a hundred interrupts');
like($out, qr/^3153600\d\n2027$/m, '... by both clocks');
done_testing();
