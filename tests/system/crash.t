#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Mistakes of the kernel's own, made on purpose (kernel/boot/selftest.c), end with the cause, the registers and a status
# that says so; tools/symbolize names the place.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use StetTest;
use Test::More;

my %says = (
	check => qr/check failed: cpu_count\(\) == 0/,
	null => qr/exception in the kernel: EC 0x25/,
	overflow => qr/kernel stack overflow at/,
	text => qr/esr 9\w{5}4f .*exception in the kernel: EC 0x25/s,		# a write, permission fault
	rodata => qr/esr 9\w{5}4f .*exception in the kernel: EC 0x25/s,
	alias => qr/esr 9\w{5}4f .*exception in the kernel: EC 0x25/s,
	pan => qr/esr 9\w{5}0f .*exception in the kernel: EC 0x25/s,		# a read
	unmapped => qr/esr 9\w{5}47 .*exception in the kernel: EC 0x25/s,	# a write, translation fault
	exec => qr/exception in the kernel: EC 0x21/,
	masked => qr/cpu \d is stuck with interrupts masked \(it does not take/,
	stuck => qr/cpu \d is stuck with interrupts masked \(it has taken no interrupt/,
	guestpan => qr/mode 1 .* esr 9\w{5}0f .*exception in the kernel: EC 0x25/s,
	lock => qr/spinlock [0-9a-f]+ <kept\+0>: cpu \d may have it\n.*cpu \d waits for spinlock/s,
);
my %where = (
	unmapped => 'crash_unmapped', rodata => 'crash_rodata', alias => 'crash_alias', pan => 'crash_pan',
	check => 'crash_check', null => 'crash_null', overflow => 'recurse', text => 'crash_text',
	guestpan => 'touch_user', exec => 'ret', masked => 'stick', stuck => 'stick', lock => 'keep',
);

# What runs meanwhile: the boot itself has ended by then, or a guest is needed.
my %runs = (stuck => [$busybox, 'sleep', 100], guestpan => ["$top/build/user/tests/kvm/irq"]);
# Those two are noticed after 10 s: of counted time, which is shorter. (A lock's 8 s are not: who waits for it yields.)
my @counted = ('--icount', '--qemu', '-icount', '--qemu', 'shift=7,sleep=off');
my %machine = (masked => \@counted, stuck => \@counted);

for my $how (sort keys %says) {
	my ($status, $out, $err) = run("$top/tools/stet-qemu", '--kernel', 'stet', '--smp', $how eq 'guestpan' ? 1 : 2,
				       @{$machine{$how} // []}, '--timeout', 120, '--append', "test.crash=$how", '--',
				       @{$runs{$how} // [$busybox, 'true']});
	is($status, 125, "$how: the status of a panic");
	like($err, $says{$how}, "$how: the cause");
	like($err, qr/x29 [0-9a-f]{16}/, "$how: the registers") if $how ne 'check';
	open(my $log, '>', "$scratch/log") or die;
	print $log $err;
	close($log);
	my ($ok, $names) = run("$top/tools/symbolize", "$scratch/log");
	like($names, qr/$where{$how}/, "$how: symbolize names $where{$how}") if $how ne 'exec';
}

done_testing();
