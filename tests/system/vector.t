#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# A guest that uses FP in a loop of hypercalls, or of MMIO exits to a VMM that uses none, costs no
# save or load of the vector registers after the first: the instructions that QEMU executes in
# kernel/bank/fp_regs.S are the same for 10 rounds and for 10,000. Where both use FP they are not,
# which shows that the count counts. With SVE likewise. Nor do two vCPUs that wake each other on one CPU cost any,
# a thousand times, if nobody uses the registers in the rounds.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use StetTest;
use Test::More;

plan(skip_all => 'no kernel') unless grep { $_ eq 'stet' } kernels();

# The addresses of the code of fp_regs.S, by the linker's map.
sub region
{
	no warnings 'portable';
	open(my $map, '<', "$top/build/stet.map") or die "build/stet.map: $!";
	while (<$map>) {
		return map { sprintf('%x', $_) } hex($1), hex($1) + hex($2)
			if m{^ \.text\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+build/kernel/bank/fp_regs\.S\.o$};
	}
	die "build/stet.map names no fp_regs.S\n";
}

my $plugin = join(':', "$top/build/plugin/count.so,region=fp_regs", region());

# The rows whose name begins so: status, output, and what the plugin says.
sub run_rows
{
	my ($rows, $rounds, @more) = @_;

	return run("$top/tools/stet-qemu", '--icount', '--timeout', 200, '--plugin', $plugin,
		'--', "$top/build/user/bench/exits", '--only', $rows, '--rounds', $rounds, @more);
}

# Instructions executed in fp_regs.S while a row of bench/exits runs; undef if it did not end well.
sub vector_instructions
{
	my ($row, $rounds) = @_;
	my ($status, $out, $err) = run_rows($row, $rounds);

	return $status == 0 && $out =~ /^\Q$row\E +\d/m && $err =~ /^total: .* fp_regs (\d+)$/m ? $1 : undef;
}

for my $row ('hypercall-guest-fp', 'mmio-guest-fp', 'mmio-sve-guest') {
	my ($few, $many) = map { vector_instructions($row, $_) } 10, 10000;

	cmp_ok($few // 0, '>', 0, "$row: the guest has the vector registers at all");
	is($many, $few, "$row: 10,000 rounds save and load no more than 10");
}
for my $row ('mmio-both-fp', 'mmio-sve-both') {
	my ($few, $many) = map { vector_instructions($row, $_) } 10, 100;

	cmp_ok($many // 0, '>', $few // 0, "$row: they go from one to the other each time");
}

# Of what is timed of the row and the one that begins with its name, in their order: each has a warm-up and one repetition.
{
	my ($status, $out, $err) = run_rows('sgi-one-cpu', 1000, '--repeats', 1);
	my @timed = $err =~ /^mark 5: .* fp_regs (\d+)$/mg;

	is($status, 0, 'sgi-one-cpu: ends well');
	like($out, qr/^sgi-one-cpu +\d+ .*^sgi-one-cpu-guest-fp +\d+ /ms, '... both vCPUs sleep in each round');
	is("@timed[0, 1]", '0 0', '... and nobody uses FP: none is saved or loaded');
	cmp_ok($timed[3] // 0, '>=', 1000, '... unless both guests do');
}

done_testing();
