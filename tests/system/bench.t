#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The benchmark's counts repeat to the instruction, the rows are within the budget of bench/budget.txt,
# and the check would tell if they were not.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use StetTest;
use Test::More;

plan(skip_all => 'no kernel') unless grep { $_ eq 'stet' } kernels();

my $budget = "$scratch/budget.txt";
my @machine = ("$top/tools/stet-qemu", '--icount', '--smp', 2, '--mem', 1024, '--timeout', 600, '--');

sub file_is
{
	my ($file, @lines) = @_;

	open(my $out, '>', $file) or die "$file: $!";
	print $out @lines;
	close($out);
	return $file;
}

my ($status, $tsv) = run(@machine, "$top/build/user/bench/exits", '--tsv');
is($status, 0, 'bench/exits: every row ends well');

# What vector registers may add to a row, in instructions a round, whatever the budget says: nothing to an exit whose guest
# alone uses them (its own instruction apart), and with SVE on both sides a third of the 1,117 that Linux 6.1 takes.
my %row = map { (split /\t/)[0, 3] } split(/\n/, $tsv);
cmp_ok($row{'hypercall-guest-fp'} - $row{hypercall}, '<=', 2, 'a hypercall of a guest that uses FP costs no more');
cmp_ok($row{'mmio-guest-fp'} - $row{mmio}, '<=', 2, '... nor an MMIO exit');
cmp_ok($row{"$_-guest-fp"} - $row{$_}, '<=', 3, "... nor $_") for qw(gic-read gic-write ioeventfd vtimer stage2-4k);
cmp_ok($row{'mmio-sve-guest'} - $row{'mmio-sve'}, '<=', 2, '... nor with SVE');
cmp_ok($row{'mmio-sve-both'} - $row{'mmio-sve'}, '<=', 1117 / 3, 'guest and VMM with SVE: a switch each way, a third of what Linux takes');
my @part = ("$top/build/user/bench/exits", '--only', 'irqfd', '--tsv');
my (undef, $once) = run(@machine, @part);
my (undef, $again) = run(@machine, @part);
is($again, $once, 'a second run counts exactly the same');
like($once, qr/^irqfd-thread\t\d+\t\d/m, '... and it counts');

my @check = ("$top/tools/bench-check", '--measured', file_is("$scratch/rows", $tsv));
($status, my $out, my $err) = run(@check);
is($status, 0, 'no row costs more than bench/budget.txt allows') or diag($out, $err);

push @check, '--budget', $budget, '--compiler';
file_is($budget, "# a comment\n", "gcc-1 getppid 1.0\n");
($status) = run(@check, 'gcc-2', '--update');
my $written = StetTest::slurp($budget);
is($status, 0, '--update');
like($written, qr/^# a comment\ngcc-1 getppid 1\.0\n/, '--update keeps what is not of this compiler');
my %cost = $written =~ /^gcc-2 (\S+) +([\d.]+)$/mg;
ok(keys %cost >= 14 && $cost{getppid} > 1 && $cost{mmio} > $cost{getppid}, '--update writes all rows') or diag($written);
($status) = run(@check, 'gcc-2');
is($status, 0, 'they keep the budget just written');

my %other = (%cost, mmio => $cost{mmio} / 1.04, hypercall => $cost{hypercall} * 1.04, getppid => $cost{getppid} / 1.02);
file_is($budget, (map { "gcc-2 $_ $other{$_}\n" } sort keys %other), "gcc-2 gone 5\n");
($status, $out) = run(@check, 'gcc-2');
is($status, 1, 'growth by 4 % fails');
like($out, qr/^mmio .* grew$/m, '... and is named');
like($out, qr/^bench-check: over the budget: mmio gone$/m, '... with a row that is gone, and no other');
like($out, qr/^hypercall .* fell: make bench-update$/m, 'a row that fell is told');

($status, $out) = run(@check, 'gcc-3');
is($status, 0, 'an unknown compiler passes');
like($out, qr/gcc-3: the table has no numbers.*^mmio +\d/ms, '... and its numbers are reported');

# ---- the plugin's count of what a guest executes ----

# Where a guest is entered and left.
sub guest_option
{
	no warnings 'portable';
	my %address = map { /^(\S+) \S (world_switch|guest_vectors)$/ ? ($2, $1) : () } `nm $top/build/stet.elf`;

	my ($enter, $leave) = map { hex } @address{qw(world_switch guest_vectors)};

	return sprintf('guest=%x:%x:%x:%x', $enter, $enter + 0x100, $leave, $leave + 0x800);
}

sub hypercalls_counted
{
	my ($rounds) = @_;
	my ($status, $out, $err) = run("$top/tools/stet-qemu", '--icount', '--timeout', 200, '--plugin',
		"$top/build/plugin/count.so," . guest_option(), '--', "$top/build/user/bench/exits", '--only', 'hypercall',
		'--repeats', 1, '--rounds', $rounds);

	return $err =~ /^total: insn (\d+) .* guest (\d+)/m ? ($1, $2) : (0, 0);
}

my ($few_all, $few_guest) = hypercalls_counted(1000);
my ($many_all, $many_guest) = hypercalls_counted(2000);
# A repetition and a warm-up of a tenth, of two rows; the second row's guest uses one instruction more.
my $each = ($many_guest - $few_guest) / (2 * 1100);
ok($each > 4 && $each < 20 && $each * 2 == int($each * 2), 'each round adds the same few instructions of the guest')
	or diag("$few_guest $many_guest");
cmp_ok($many_all - $few_all, '>', 3 * ($many_guest - $few_guest), '... and the kernel\'s own are not among them');

($status, $out, $err) = run(@machine[0 .. 5], '--plugin', "$top/build/plugin/count.so," . guest_option(), '--', "$top/build/user/mark");
like($err, qr/^count: guest= is for a machine with one CPU$/m, 'on two CPUs it says that it cannot tell whose they are');

done_testing();
