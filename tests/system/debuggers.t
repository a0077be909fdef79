#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Debian's debuggers, which nobody wrote for Stet, dynamic programs with their libraries: strace -f of a
# shell's pipeline, and gdbserver driven by GDB's remote protocol over its standard input and output:
# a breakpoint, memory, registers of all kinds read and written, steps, the end. The same on Linux.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use IPC::Open2;
use StetTest;
use Test::More;
use Time::HiRes qw(time);

use constant { TIMEOUT => 240, PATIENCE => 120, X0 => 0, SP => 31, PC => 32, V0 => 34 };

my $root = "$top/build/debuggers";
my $debugged = "$top/build/user/tests/user/ptrace";
my ($made, undef, $why) = run("$top/tools/debian-root", $root, 'gdbserver/gdbserver', 'strace/strace');
is($made, 0, "Debian's gdbserver and strace are there") or BAIL_OUT($why);
my $cross = `uname -m` =~ /^aarch64/ ? '' : 'aarch64-linux-gnu-';
my %address = map { /^([0-9a-f]+) \S (show_\w+)$/ ? ($2, hex $1) : () } `${cross}nm $debugged`;

sub machine
{
	my ($kernel, @rest) = @_;

	return ("$top/tools/stet-qemu", '--kernel', $kernel, '--smp', 2, '--timeout', TIMEOUT, '--root', $root,
		'--file', "/bin/busybox=$busybox", '--file', "/bin/debugged=$debugged", @rest);
}

# ---- strace ----

my $line = 'echo one | /bin/busybox cat; /bin/busybox false; exit 3';

sub traced
{
	my ($kernel) = @_;
	my ($status, $out, $err) = run(machine($kernel, '--', '/usr/bin/strace', '-f', '-e', 'trace=execve,write,exit_group',
		'/bin/busybox', 'sh', '-c', $line));

	is($status, 3, "$kernel: strace ends with the program's status") or diag($err);
	$out .= $err;
	like($out, qr{^execve\("/bin/busybox", \["/bin/busybox", "sh", "-c", .*= 0\r?$}m, "$kernel: the first program");
	like($out, qr{strace: Process \d+ attached}, "$kernel: its children are followed");
	like($out, qr{execve\("/bin/busybox", \["/bin/busybox", "cat"\]}, "$kernel: what they execute, strings and all");
	like($out, qr{write\(1, "one\\n", 4}, "$kernel: what they write");
	like($out, qr{\+\+\+ exited with 1 \+\+\+}, "$kernel: how they end");
	like($out, qr{--- SIGCHLD \{si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=\d+, si_uid=0, si_status=1,}, "$kernel: signals");
	like($out, qr{^(\[pid +\d+\] )?exit_group\(3\)}m, "$kernel: the shell's own end");
}

# ---- gdbserver ----

my ($from, $to, $text);

# More of what the machine says, if there is; false: it has ended.
sub listen_on
{
	my $in = '';

	vec($in, fileno($from), 1) = 1;
	return 1 unless select($in, undef, undef, 0.2);
	return sysread($from, $text, 4096, length $text);
}

sub said
{
	my ($what) = @_;

	for (my $end = time + PATIENCE; time < $end && $text !~ $what;) {
		listen_on() or last;
	}
	return $text =~ $what;
}

sub packet
{
	for (my $end = time + PATIENCE; time < $end;) {
		if ($text =~ s/^.*?\$([^#]*)#..//s) {
			my $packet = $1;
			syswrite($to, '+');
			next if $packet =~ /^O[0-9a-f]/;	# the program's output
			$packet =~ s/(.)\*(.)/$1 x (ord($2) - 28)/ge;
			return $packet;
		}
		listen_on() or last;
	}
	return "nothing; there is: $text";
}

sub ask
{
	my ($command) = @_;

	syswrite($to, sprintf('$%s#%02x', $command, unpack('%8C*', $command)));
	return packet();
}

# gdbserver knows only all registers at once: X0 to X30, SP, PC of 8 bytes each, CPSR of 4, then V or Z
# registers of $vector bytes.
my $vector;

sub place
{
	my ($register) = @_;

	return $register < V0 ? (16 * $register, 16) : (2 * (8 * (V0 - 1) + 4 + ($register - V0) * $vector), 2 * $vector);
}

sub register
{
	my ($at, $digits) = place($_[0]);

	return substr(ask('g'), $at, $digits);
}

sub set_register
{
	my ($register, $value) = @_;
	my ($at, $digits) = place($register);
	my $all = ask('g');

	substr($all, $at, $digits) = $value;
	return ask("G$all");
}

sub number { return unpack('Q<', pack('H*', register($_[0]))) }

sub debugged
{
	(my ($kernel, $cpu), $vector) = @_;
	my $name = "$kernel $cpu";

	$text = '';
	# Between pipes: gdbserver gives a terminal it sees to the program, and dd may read it no more.
	my $line = '/bin/busybox dd bs=1 | /usr/bin/gdbserver --no-startup-with-shell --once - /bin/debugged --show 2>&1 | /bin/busybox cat';
	my $pid = open2($from, $to, machine($kernel, '--cpu', $cpu, '--', '/bin/busybox', 'sh', '-c', $line));
	# What comes before Linux has opened its console is lost.
	ok(said(qr/Remote debugging using stdio/), "$name: gdbserver listens") or diag($text);
	like(ask('qSupported:swbreak+;vContSupported+'), qr/PacketSize=/, "$name: gdbserver answers");
	like(ask('?'), qr/^T05/, "$name: the program has stopped at its beginning");
	my $at = $address{show_vectors};
	is(ask(sprintf('Z0,%x,4', $at)), 'OK', "$name: a breakpoint is set");
	like(ask('vCont;c'), qr/^T05/, "$name: it is met");
	is(number(PC), $at, "$name: there");
	is(ask(sprintf('z0,%x,4', $at)), 'OK', "$name: it is taken out");
	is(ask(sprintf('m%x,4', $at)), '205080d2', "$name: the program's text is as it was");	# mov x0, #0x281
	is(substr(register(V0), 0, 32), '5a' x 16, "$name: V0");
	is(substr(register(V0 + 31), 0, 32), 'a5' x 16, "$name: V31");
	for my $step (1 .. 3) {
		like(ask('vCont;s'), qr/^T05/, "$name: step $step");
		is(number(PC), $at + 4 * $step, "$name: is one instruction");
	}
	is(number(X0), 0x281 + 1, "$name: what they did");
	is(set_register(V0, '33' x $vector), 'OK', "$name: V0 is written, all of its $vector bytes");
	is(register(V0), '33' x $vector, "$name: and reads as written");
	is(set_register(X0, unpack('H*', pack('Q<', 1))), 'OK', "$name: X0 is written");
	my $stack = number(SP) - 64;
	is(ask(sprintf('M%x,2:4142', $stack)), 'OK', "$name: memory is written");
	is(ask(sprintf('m%x,2', $stack)), '4142', "$name: and reads as written");
	like(ask('vCont;c'), qr/^W34/, "$name: the program saw what was written: it ends with 0x33 + 1");
	kill('TERM', $pid);	# a console has no end of file: dd would read on
	close($to);
	waitpid($pid, 0);
}

for my $kernel (kernels()) {
	traced($kernel);
	debugged($kernel, 'max', 64);
	debugged($kernel, 'cortex-a76', 16);
}
done_testing();
