#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The bound on how long interrupts are masked, in instructions (docs/exits.md): while CPUs go and come, and
# while two VMs hand over their CPUs. What the measure sees is compared with what is known: a
# hypercall's exit is short, and there is one each round.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use StetTest;
use Test::More;

use constant BOUND => 8192;

plan(skip_all => 'no kernel') unless grep { $_ eq 'stet' } kernels();

sub masked
{
	my ($status, $out, $err) = run("$top/tools/masked", '--paths', 1000, '--', @_);

	is($status, 0, "@_: is measured") or diag($out, $err);
	return $out;
}

for my $test ('user/hotplug', 'kvm/bankstorm 20000') {
	my ($path, @arguments) = split(/ /, $test);
	my $out = masked("$top/build/user/tests/$path", @arguments);
	my ($most) = $out =~ /masked for at most (\d+) instructions/;

	ok($most && $most <= BOUND, "$test: at most " . BOUND) or diag($out);
}
my ($exits) = grep { /from guest_vectors .* to world_switch / }
	split(/\n/, masked("$top/build/user/bench/exits", '--only', 'hypercall', '--rounds', 20000));
my ($insns, $times) = ($exits // '') =~ /^\s*(\d+)\s+(\d+) times/;
ok($insns && $insns < 400 && $insns > 60 && $times > 20000, 'a hypercall is masked from exit to entry')
	or diag($exits // 'none');
done_testing();
