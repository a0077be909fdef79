#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Vector registers seen from outside. A debugger stops the machine while a thread runs that uses none:
# under the usual policy another thread's stand in the CPU, closed; under fp_policy=strict there are
# only zeros, at each stop. And Debian's kernel as a guest with SVE runs the tests of SVE for programs.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use IO::Socket::UNIX;
use POSIX ();
use StetTest;
use Test::More;
use Time::HiRes qw(sleep time);

plan(skip_all => 'no kernel') unless grep { $_ eq 'stet' } kernels();

use constant { ENOUGH => 12, X19 => 0x13, CPSR => 0x21, V0 => 0x22, V31 => 0x41 };

# ---- the debugger's side of GDB's remote protocol ----

# The next packet of QEMU's, without its frame; undef after that many seconds.
sub packet
{
	my ($gdb, $patience) = @_;
	my $text = '';

	for (my $end = time + $patience; time < $end;) {
		my $in = '';
		vec($in, fileno($gdb), 1) = 1;
		next unless select($in, undef, undef, 0.2);
		sysread($gdb, $text, 1, length $text) or last;
		if ($text =~ /\$([^#]*)#..$/s) {
			syswrite($gdb, '+');
			return $1;
		}
	}
	return undef;
}

sub ask
{
	my ($gdb, $command) = @_;

	syswrite($gdb, sprintf('$%s#%02x', $command, unpack('%8C*', $command)));
}

# A register's bytes, as hex digits.
sub register
{
	my ($gdb, $number) = @_;

	ask($gdb, sprintf('p%x', $number));
	return packet($gdb, 10) // die "the debugger's connection: no answer\n";
}

# Stop the machine now and then, until that was enough times in the thread without vector registers:
# how many times, and at how many of them V0 or V31 held anything.
sub look
{
	my ($cpu, @append) = @_;
	my $socket = "$scratch/gdb";
	my ($quiet, $held, $gdb) = (0, 0);

	unlink($socket);
	my $pid = fork() // die "fork: $!";
	if ($pid == 0) {
		open(STDIN, '<', '/dev/null');
		open(STDOUT, '>', '/dev/null');
		open(STDERR, '>', "$scratch/stderr");
		exec("$top/tools/stet-qemu", '--cpu', $cpu, '--timeout', 100, @append, '--qemu', '-gdb', '--qemu',
			"unix:$socket,server=on,wait=off", '--', "$top/build/user/tests/user/sve", 'spin') or POSIX::_exit(127);
	}
	for (my $end = time + 30; !$gdb && time < $end; sleep(0.1)) {
		$gdb = IO::Socket::UNIX->new(Peer => $socket);
	}
	die "no connection to the debugger\n" . slurp("$scratch/stderr") unless $gdb;
	while (defined packet($gdb, 1)) { }	# that it has stopped for us
	ask($gdb, 'qXfer:features:read:target.xml:0,ffb');	# only who asks for it may name registers
	packet($gdb, 10);
	# wait for the user of vector registers, then look
	my $begun = 0;
	for (my $end = time + 40; $quiet < ENOUGH && time < $end;) {
		ask($gdb, 'c');
		sleep(0.05 + rand(0.03));
		syswrite($gdb, "\x03");
		packet($gdb, 10) // die "the debugger's connection: it does not stop\n";
		next if hex(substr(register($gdb, CPSR), 0, 2)) & 15;	# the kernel runs
		my $who = substr(register($gdb, X19), 0, 2);
		$begun ||= $who eq '0a';
		next unless $begun && $who eq '0b';
		$quiet++;
		$held++ if (register($gdb, V0) . register($gdb, V31)) =~ /[1-9a-f]/;
	}
	kill('TERM', $pid);
	waitpid($pid, 0);
	return ($quiet, $held);
}

for my $cpu ('max', 'cortex-a76') {
	my ($quiet, $held) = look($cpu);
	cmp_ok($held, '>', 0, "$cpu: another's registers stand while a thread runs that uses none ($held of $quiet)");
	($quiet, $held) = look($cpu, '--append', 'fp_policy=strict');
	cmp_ok($quiet, '>=', 5, "$cpu: such a thread was met $quiet times under the strict policy");
	is($held, 0, "$cpu: and nothing of anybody was in the registers");
}

# ---- a guest with SVE ----

my $tests = "$top/build/user/tests/user";
open(my $init, '>', "$scratch/init") or die "init: $!";
print $init <<'END';
#!/bin/busybox sh
/bin/busybox mkdir -p /proc /tmp
/bin/busybox mount -t proc proc /proc
for t in sve sve_signal fp; do /$t; done
/bin/busybox poweroff -f
END
close($init);
chmod(0755, "$scratch/init");
system("$top/tools/mkcpio", "$scratch/initrd", "/init=$scratch/init", "/bin/busybox=$busybox",
	map { "/$_=$tests/$_" } qw(sve sve_signal fp)) == 0 or die "mkcpio failed\n";
my ($status, $out, $err) = run("$top/tools/stet-qemu", '--smp', 2, '--mem', 1500, '--timeout', 250,
	'--file', "/guest/Image=$sysroot/boot/vmlinuz", '--file', "/guest/initrd=$scratch/initrd", '--',
	"$top/build/user/stet", 'run', '--sve', '--kernel', '/guest/Image', '--initrd', '/guest/initrd',
	'--cpus', 2, '--memory', '600M', '--cmdline', 'quiet');

is($status, 0, 'a guest with SVE ends well');
is(() = $out =~ /^1\.\.\d+/mg, 3, 'three programs have run in it');
like($out, qr/^# lengths: 16 32 .*256/m, 'it has every vector length');
unlike($out, qr/^not ok/m, 'all their tests pass') or diag($out);

done_testing();
