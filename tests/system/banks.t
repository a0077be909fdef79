#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The idea, measured: a guest that uses FP in a loop of exits (hypercalls; MMIO exits to a VMM that uses none) moves the
# vector bank no more often in 10,000 rounds than in 10. By the kernel's own counters, and by a count of the vector
# loads and stores that were executed in kernel/bank/fp_regs.S.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use StetTest;
use Test::More;

# The part of the kernel that moves the vector registers.
my %at = map { /^([0-9a-f]+) \w (fp_regs_\w+)$/ ? ($2 => $1) : () }
	split /\n/, (run(($ENV{CROSS} // (`uname -m` =~ /aarch64/ ? '' : 'aarch64-linux-gnu-')) . 'nm', "$top/build/stet.elf"))[1];
my ($low, $high) = (sort values %at)[0, -1];
ok(%at >= 2 && $low ne $high, 'the kernel has one place that moves the registers');
# The last function is as long as the others: the ranges end one length further.
my $end = sprintf('0x%x', unpack('Q>', pack('H16', $high)) + unpack('Q>', pack('H16', $high)) - unpack('Q>', pack('H16', $low)));

# Rounds of a row: the kernel's counters, and the plugin's count of instructions there.
sub moved
{
	my ($row, $rounds) = @_;
	my ($status, $out, $err) = run("$top/tools/stet-qemu", '--icount', '--smp', 1, '--timeout', 200,
		'--plugin', "$top/build/plugin/count.so,region=moves:0x$low:$end", '--file', "/exits=$top/build/user/bench/exits",
		'--', $busybox, 'sh', '-c', "/exits --only $row --rounds $rounds && cat /proc/stet");
	my %count = $out =~ /vector bank: (saves|loads) +(\d+)/g;
	my ($moves) = "$out$err" =~ /^total:.* moves (\d+)/m;

	is($status, 0, "$row: $rounds rounds run") or diag($out, $err);
	return ($count{saves}, $count{loads}, $moves);
}

for my $row ('hypercall-guest-fp', 'mmio-guest-fp') {
	my @few = moved($row, 10);
	my @many = moved($row, 10000);

	is($many[0], $few[0], "$row: no save a round");
	is($many[1], $few[1], "$row: no load a round");
	cmp_ok($many[2] // 0, '>', 0, "$row: the first ones were seen");
	is($many[2], $few[2], "$row: no instruction of fp_regs.S a round");
}

done_testing();
