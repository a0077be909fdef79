#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# A guest that uses FP in a loop of hypercalls, or of MMIO exits to a VMM that uses none, costs no
# save or load of the vector registers after the first: the instructions that QEMU executes in
# kernel/bank/fp_regs.S are the same for 10 rounds and for 10,000. Where both use FP they are not,
# which shows that the count counts. With SVE likewise.

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

# Instructions executed in fp_regs.S while a row of bench/exits.c runs; undef if it did not end well.
sub vector_instructions
{
	my ($row, $rounds) = @_;
	my ($status, $out, $err) = run("$top/tools/stet-qemu", '--icount', '--timeout', 200, '--plugin', $plugin,
		'--', "$top/build/user/bench/exits", '--only', $row, '--rounds', $rounds);

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

done_testing();
