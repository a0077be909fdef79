#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# What can be seen on the kernel's image without running it.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use StetTest;
use Test::More;

plan(skip_all => 'no kernel') unless grep { $_ eq 'stet' } kernels();

my ($status, $out, $err) = run("$top/tools/lint");
is("$status $out$err", '0 ', 'lint finds nothing');

# The Linux arm64 Image header: image_size at 16, "ARM\x64" at 56
open(my $in, '<:raw', "$top/build/stet") or die "build/stet: $!";
read($in, my $header, 64);
my ($size, $magic) = unpack('x16 Q< x32 a4', $header);
is($magic, "ARM\x64", 'the image has the header of an arm64 Image');
cmp_ok($size, '>=', -s $in, 'the header counts at least the file');
cmp_ok($size, '<=', 400 << 10, 'loaded, it takes at most 400 KiB, its bss included');

my $cross = `uname -m` =~ /^aarch64/ ? '' : 'aarch64-linux-gnu-';
my ($address) = map { /^([0-9a-f]{16}) [tT] panic$/ ? $1 : () } `${cross}nm $top/build/stet.elf`;
open(my $log, '>', "$scratch/log") or die $!;
print $log "panic at $address, x1 00000000000004d2\n";
close($log);
($status, $out) = run("$top/tools/symbolize", "$scratch/log");
like($out, qr/^panic at $address <panic \S+\.c:\d+>, x1 00000000000004d2$/, 'symbolize names the kernel\'s addresses and no others');

# An idle CPU executes nothing: a hundred seconds of sleep are as short as one.
my @slept = map {
	my (undef, undef, $said) = run("$top/tools/stet-qemu", '--icount', '--smp', 2, '--timeout', 120, '--plugin',
		"$top/build/plugin/count.so", '--', $busybox, 'sleep', $_);
	$said =~ /^total: insn (\d+)/m ? $1 : BAIL_OUT("no count: $said");
} 1, 100;
cmp_ok($slept[1] - $slept[0], '<', 10000, '99 more seconds of idling take few instructions');

done_testing();
