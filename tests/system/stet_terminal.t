#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# `stet run` has the terminal in raw mode and gives it back as it was, whatever ends it: a signal, a mistake, a guest
# that switches itself off. The terminal is the console of the machine it runs in; run.t has the user's own.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use StetTest;
use Test::More;

use constant LOOP => 0x14000000;	# b .

# An arm64 Image: a branch over its header of 64 bytes to one that goes nowhere.
sub looping_image
{
	return pack('V V Q< Q< Q< Q<3 a4 V', LOOP | 16, 0, 0, 0x10000, 0, 0, 0, 0, "ARM\x64", 0) . pack('V', LOOP);
}

my @signals = qw(TERM INT HUP QUIT SEGV ABRT PIPE);
my %number = (TERM => 15, INT => 2, HUP => 1, QUIT => 3, SEGV => 11, ABRT => 6, PIPE => 13);

my $script = <<'END';
busybox --install -s /bin
PATH=/bin
stty cooked echo icanon -F /dev/console
before=$(stty -g -F /dev/console)

after()
{
	if [ "$(stty -g -F /dev/console)" = "$before" ]; then echo "@ $1 same"; else echo "@ $1 changed"; fi
}

# Wait until the terminal is raw, then send the signal.
ender()
{
	tries=0
	while [ "$(stty -g -F /dev/console)" = "$before" ] && [ $tries -lt 200 ]; do
		sleep 0.1
		tries=$((tries + 1))
	done
	case $(stty -a -F /dev/console) in *-icanon*) echo "@ $1 raw" ;; esac
	kill -$1 $(pidof stet)
}

for signal in SIGNALS; do
	ender $signal &
	stet run --kernel /loop </dev/console
	echo "@ $signal status $?"
	wait
	after $signal
done
stet run --kernel /none </dev/console
echo "@ mistake status $?"
after mistake
stet run --kernel /loop --memory 4T </dev/console
echo "@ memory status $?"
after memory
END
$script =~ s/SIGNALS/@signals/;

for my $part (['loop', looping_image()], ['script', $script]) {
	open(my $out, '>:raw', "$scratch/$part->[0]") or die "$part->[0]: $!";
	print $out $part->[1];
	close($out) or die "$part->[0]: $!";
}

for my $kernel (kernels()) {
	my ($status, $out, $err) = run("$top/tools/stet-qemu", '--kernel', $kernel, '--timeout', 300, '--mem', 1024,
		'--file', "/bin/stet=$top/build/user/stet", '--file', "/bin/busybox=$busybox", '--file', "/loop=$scratch/loop",
		'--file', "/script=$scratch/script", '--', $busybox, 'sh', '/script');
	my %said;

	is($status, 0, "$kernel: the script ends") or diag($out, $err);
	push @{$said{$1}}, $2 while $out =~ /^@ (\w+) (.*?)\r?$/mg;
	is_deeply($said{$_}, ['raw', 'status ' . (128 + $number{$_}), 'same'], "$kernel: ended by SIG$_") or diag($out)
		for @signals;
	is_deeply($said{$_}, ['status 1', 'same'], "$kernel: $_") or diag($out) for 'mistake', 'memory';
}
done_testing();
