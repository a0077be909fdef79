#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Two VMMs with a Debian guest each; one is killed, the other's guest goes on with its sums. Then the other too: the
# memory of both is free again.

use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use FindBin;
use lib $FindBin::Bin;
use StetTest;
use Test::More;

my $script = <<'END';
free_kib() { sed -n 's/^MemFree: *\([0-9]*\).*/\1/p' /proc/meminfo; }
start() { stet run --kernel /guest/Image --initrd /guest/initrd --cpus 2 --memory 256M --name $1 \
	--cmdline quiet </dev/null >/$1.log 2>&1 & }
sums() { grep -c '^guest: sum' /$1.log; }
wait_for()
{
	n=0
	until [ $(sums $1) -ge $2 ]; do
		sleep 1
		n=$((n + 1))
		if [ $n -gt 240 ]; then echo "$1 does not go on"; cat /$1.log; exit 1; fi
	done
}
before=$(free_kib)
start wren; wren=$!
start robin; robin=$!
wait_for wren 2
wait_for robin 2
kill -9 $wren
wait $wren 2>/dev/null
echo "wren ended with $?"
wait_for robin $(($(sums robin) + 5))
echo "robin goes on"
kill -9 $robin
wait $robin 2>/dev/null
sed -n 's/^guest: \(.*\)\r$/\1/p' /wren.log /robin.log | sort -u # whole lines: they were killed while they wrote
rm /*.log
[ -e /proc/stet ] && limit=8192 || limit=32768 # Linux keeps some of 512 MiB for its caches
n=0
while lost=$((before - $(free_kib))); [ $lost -ge $limit ] && [ $n -lt 10 ]; do sleep 1; n=$((n + 1)); done
[ $lost -lt $limit ] && echo "memory is free" || echo "lost $lost KiB"
END

my $initrd = "$scratch/initrd";
my ($made, undef, $why) = run("$top/tools/guest-initrd", $initrd, "$top/tests/system/two_guests");
is($made, 0, 'the initramfs is made') or BAIL_OUT($why);
open(my $file, '>', "$scratch/script") or die "$scratch/script: $!";
print $file $script;
close($file) or die "$scratch/script: $!";
my $sum = md5_hex(join('', map { "$_\n" } 1 .. 20000));

for my $kernel (kernels()) {
	my ($status, $out, $err) = run("$top/tools/stet-qemu", '--kernel', $kernel, '--smp', 2, '--mem', 1536,
		'--timeout', 600, '--file', "/guest/Image=$sysroot/boot/vmlinuz", '--file', "/guest/initrd=$initrd",
		'--file', "/bin/stet=$top/build/user/stet", '--file', "/bin/busybox=$busybox",
		'--file', "/script=$scratch/script", '--', $busybox, 'sh', '/script');

	is($status, 0, "$kernel: the script ends") or diag($err);
	is($out =~ s/\r//gr, "wren ended with 137\nrobin goes on\nsum $sum\nmemory is free\n",
		"$kernel: one is killed, the other goes on");
}
done_testing();
