#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# No program gets predictable bytes: from the CPU (RNDR), a device or the device tree's seed; where there is none of them,
# who asks waits, and the log says so. With --icount the machine has no device and no seed.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use StetTest;
use Test::More;

plan(skip_all => 'no kernel') unless grep { $_ eq 'stet' } kernels();

my $script = 'b() { /bin/busybox $*; }; b dd if=/dev/urandom bs=8 count=1 2>/dev/null | b wc -c; ' .
	'(b timeout 5 /bin/busybox head -c 32 /dev/random) 2>/dev/null | b md5sum | b cut -c1-32; b dmesg | b grep -c ^random:';

sub machine
{
	my ($cpu, @options) = @_;
	my ($status, $out, $err) = run("$top/tools/stet-qemu", '--cpu', $cpu, '--timeout', 120, @options, '--', $busybox,
		'sh', '-c', $script);

	diag($err) if $status > 1;
	return split /\n/, $out;
}

my $nothing = 'd41d8cd98f00b204e9800998ecf8427e';	# md5sum of it
my @none = machine('cortex-a76', '--icount');
is_deeply(\@none, [8, $nothing, 1], '/dev/random waits where there is nothing, /dev/urandom does not; the log says it');
my %sources = ('RNDR' => ['max', '--icount'], 'a virtio-rng' => ['cortex-a76', '--machine', 'dtb-randomness=off'],
	'a seed' => ['cortex-a76', '--icount', '--machine', 'dtb-randomness=on']);
for my $source (sort keys %sources) {
	my @said = machine(@{$sources{$source}});
	is("$said[0] $said[2]", '8 0', "$source is enough");
	isnt($said[1], $nothing, 'and there are bytes');
}

# getrandom() with and without waiting, by a program
my ($status, $out) = run("$top/tools/stet-qemu", '--cpu', 'cortex-a76', '--icount', '--timeout', 60, '--',
	"$top/build/user/tests/user/random");
is($status, 0, 'getrandom() too') or diag($out);
like($out, qr/^# no seed$/m, 'waits where there is none');

done_testing();
