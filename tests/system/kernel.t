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

# Address spaces' numbers run out many times where there are only 63 of them: 300 programs, and 200 VMs, on two CPUs.
my @few = ("$top/tools/stet-qemu", '--smp', 2, '--timeout', 240, '--append', 'test.id_bits=6');
open(my $script, '>', "$scratch/script") or die $!;
print $script <<'END';
i=0
while [ $i -lt 150 ]; do
	[ "$(/bin/busybox echo $i | /bin/busybox cat)" = $i ] || echo wrong
	i=$((i + 1))
done
echo $i
END
close($script);
($status, $out, $err) = run(@few, '--file', "/script=$scratch/script", '--', $busybox, 'sh', '/script');
is($out, "150\n", 'programs keep to their own memory while ASIDs run out') or diag($err);
($status, $out, $err) = run(@few, '--mem', 1024, '--', "$top/build/user/tests/kvm/lifecycle", 200);
is($status, 0, 'VMs keep to theirs while VMIDs run out') or diag($out, $err);
($status, $out, $err) = run(@few, '--mem', 1024, '--', "$top/build/user/tests/kvm/migrate");
is($status, 0, 'and while they move from CPU to CPU') or diag($out, $err);

# A program that computes alone on its CPU is not interrupted for its time: no slice ends if nobody waits.
open($script, '>', "$scratch/script") or die $!;
print $script <<'END';
look()
{
	while read -r a b n; do
		case $a$b in
		cpus:interrupts) interrupts=$n ;;
		up,microseconds) us=$n ;;
		esac
	done </proc/stet/machine
}
look
was="$interrupts $us" i=0
while [ $i -lt 4000 ]; do i=$((i + 1)); done
look
echo $was $interrupts $us
END
close($script);
($status, $out, $err) = run("$top/tools/stet-qemu", '--icount', '--timeout', 120, '--file', "/script=$scratch/script",
	'--', $busybox, 'sh', '/script');
my @looks = split / /, $out;
cmp_ok(($looks[3] // 0) - ($looks[1] // 0), '>', 40000, 'a program computes for ten slices') or diag($out, $err);
cmp_ok(($looks[2] // 1000) - ($looks[0] // 0), '<', 3, 'and is not interrupted, as nobody waits');

# An idle CPU executes nothing: a hundred seconds of sleep are as short as one.
my @slept = map {
	my (undef, undef, $said) = run("$top/tools/stet-qemu", '--icount', '--smp', 2, '--timeout', 120, '--plugin',
		"$top/build/plugin/count.so", '--', $busybox, 'sleep', $_);
	$said =~ /^total: insn (\d+)/m ? $1 : BAIL_OUT("no count: $said");
} 1, 100;
cmp_ok($slept[1] - $slept[0], '<', 10000, '99 more seconds of idling take few instructions');

done_testing();
