#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# On a machine it cannot run on, Stet says why in one line and stops: no time-out, no status 0.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use StetTest;
use Test::More;

my @cases = (
	['a CPU without VHE', qr/VHE/, '--cpu', 'cortex-a57'],
	['a GICv2', qr/GICv3/, '--machine', 'gic-version=2'],
	['entry at EL1', qr/EL2/, '--machine', 'virtualization=off'],
	['entry at EL1 on a CPU without VHE', qr/EL2|VHE/, '--cpu', 'cortex-a57', '--machine', 'virtualization=off'],
);

plan(skip_all => 'no kernel') unless grep { $_ eq 'stet' } kernels();
for my $case (@cases) {
	my ($name, $why, @options) = @$case;
	my ($status, $out, $err) = run("$top/tools/stet-qemu", '--timeout', 20, @options, '--', $busybox, 'true');

	is($status, 125, "$name: it stops without a status of the program's") or diag($err);
	like($out . $err, qr/^stet: cannot run here: .*$why/m, "$name: it says why");
}
done_testing();
