#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# A day of virtual time, in circles of two hours (day/host.sh). One guest lives all day. In each circle two more with
# Debian start, of which one is killed and one switches itself off, VMMs are killed at any moment (tests/kvm/killstorm.c), and a
# quarter of applets.txt gives what it gives on Linux. In between all sleep, which under -icount costs no time. Clocks go right,
# and at the end there is as much free memory as at the start, and as few threads, files, VMs and interrupts.
#
# 4 ns an instruction; ASIDs and VMIDs of 8 bits, so that they come again many times. DAY_HOURS=N: another number of hours.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Lines;
use StetTest;
use Test::More;

use constant { LIMIT_KIB => 1024, SECONDS => 4 * 3600 };

plan(skip_all => 'no kernel') unless grep { $_ eq 'stet' } kernels();
$| = 1;
my $circles = int(($ENV{DAY_HOURS} // 24) / 2) || 1;
my $applets = "$top/tests/system/applets.txt";
my @lines = split /\n/, slurp($applets);
my %on_linux = Lines::results('linux', $applets);
my $initrd = "$scratch/initrd";
my ($made, undef, $why) = run("$top/tools/guest-initrd", $initrd, "$top/tests/system/day/guest");
is($made, 0, 'the initramfs is made') or BAIL_OUT($why);

my (%state, $number, $text);

# One line of applets.txt is over.
sub applet_is
{
	return unless defined $number;
	is($text, $on_linux{$number}, "line $number: " . substr($lines[$number - 1], 0, 70));
	undef $number;
}

# A line of day/host.sh: words, or names with numbers.
sub said
{
	my ($what, @words) = split / /, shift;

	if ($what eq 'kills') {
		is($words[1], 'ok', "killed VMMs, seed $words[0]");
	} elsif ($what eq 'ended') {
		is($words[1], $words[0] eq 'wren' ? 137 : 0, "$words[0] ended as it should");
	} elsif ($what eq 'guest') {
		my ($name, %is) = (shift @words, sums => $words[1], of => $words[3], others => $words[5], clock => $words[7]);
		cmp_ok($is{sums}, '>=', $is{of}, "$name: its sums are right");
		is($is{others}, 0, "$name: ... each of them");
		cmp_ok(abs($is{clock}), '<=', 2, "$name: its clock is the host's");
	} elsif ($what eq 'clock') {
		cmp_ok(abs($words[0]), '<=', 1, 'the date went on with the time since boot');
	} else {
		my $circle = $what eq 'circle' ? shift @words : $what;
		$state{$circle} = { @words };
		diag(sprintf('virtual hour %.1f: %s', $state{$circle}{up} / 3600, join(' ', @words)));
	}
}

sub same_state
{
	my ($old, $new, $name) = @_;

	cmp_ok($new->{free}, '>=', $old->{free} - LIMIT_KIB, "$name: free memory");
	cmp_ok($new->{$_}, '<=', $old->{$_}, "$name: $_") for qw(threads files vms);
	cmp_ok($new->{interrupts}, '<=', $old->{interrupts} * 1.1 + 10, "$name: interrupts in ten quiet minutes");
}

open(my $in, '-|', "$top/tools/stet-qemu", '--icount', '--smp', 2, '--mem', 1024, '--timeout', SECONDS,
	'--qemu', '-icount', '--qemu', 'shift=2,sleep=off', '--append', 'test.id_bits=8',
	'--file', "/guest/Image=$sysroot/boot/vmlinuz", '--file', "/guest/initrd=$initrd",
	'--file', "/bin/stet=$top/build/user/stet", '--file', "/bin/busybox=$busybox", '--file', "/bin/sh=$busybox",
	'--file', "/tests/kvm/killstorm=$top/build/user/tests/kvm/killstorm", '--file', "/applets.txt=$applets",
	'--file', "/lines.sh=$top/tests/system/lines.sh", '--file', "/host.sh=$top/tests/system/day/host.sh",
	'--', '/bin/sh', '/host.sh', $circles) or die "stet-qemu: $!";
while (my $line = <$in>) {
	if ($line =~ /^\@day (.*?)\r?$/) {
		said($1);
	} elsif ($line =~ /^@(\d+)$/) {
		applet_is();
		($number, $text) = ($1, '');
	} elsif ($line eq "\@end\n") {
		applet_is();
	} elsif (defined $number) {
		$text .= $line;
	} else {
		diag($line);
	}
}
close($in);
is($?, 0, 'the day ends');
ok($state{start} && $state{0} && $state{end}, 'all of it was told') or BAIL_OUT('no day');
cmp_ok($state{end}{up}, '>=', $circles * 7200, 'it had so many hours');
same_state($state{start}, $state{end}, 'the end as the start');
same_state($state{0}, $state{$circles - 1}, 'the last circle as the first');
done_testing();
