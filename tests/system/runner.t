#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# tools/stet-qemu keeps its promises: the program's output and nothing else on stdout, its exit
# status, statuses of its own for what goes wrong.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use StetTest;
use Test::More;

my $runner = "$top/tools/stet-qemu";

sub try
{
	my ($kernel, @rest) = @_;

	return run($runner, '--kernel', $kernel, '--timeout', 60, @rest);
}

# Bytes of every value, among them the one that begins the kernel's lines.
sub write_bytes
{
	my ($file) = @_;

	open(my $out, '>:raw', $file) or die "$file: $!";
	print $out map { pack('C*', map { ($_ * 7) & 255 } 0 .. 255) . "\x02\x02exit 3\n\x02" } 1 .. 500;
	close($out);
}

for my $kernel (kernels()) {
	my ($status, $out, $err) = try($kernel, '--', $busybox, 'echo', 'one', 'two  words', '', '3');
	is($out, "one two  words  3\n", "$kernel: the output, and nothing else");
	is($status, 0, "$kernel: status 0") or diag($err);

	($status) = try($kernel, '--', $busybox, 'head', '-c', 'x');
	is($status, 1, "$kernel: an exit status");

	write_bytes("$scratch/bytes");
	($status, $out) = try($kernel, '--file', "/data/bytes=$scratch/bytes", '--', $busybox, 'cat', '/data/bytes');
	ok($out eq StetTest::slurp("$scratch/bytes"), "$kernel: every byte passes unchanged");

	mkdir("$scratch/root");
	open(my $file, '>', "$scratch/root/hello") or die $!;
	print $file "from a directory\n";
	close($file);
	($status, $out) = try($kernel, '--root', "$scratch/root", '--', $busybox, 'cat', '/hello');
	is($out, "from a directory\n", "$kernel: --root DIR");
	run("$top/tools/mkcpio", "$scratch/root.cpio", "$scratch/root");
	($status, $out) = try($kernel, '--root', "$scratch/root.cpio", '--', $busybox, 'cat', '/hello');
	is($out, "from a directory\n", "$kernel: --root CPIO");

	($status, $out, $err) = try($kernel, '--timeout', 3, '--', $busybox, 'sleep', 1000);
	is($status, 124, "$kernel: a time-out");
	like($err, qr/no end after 3 s/, "$kernel: and it is said");

	my @counted = map { [try($kernel, '--icount', '--smp', 2, '--plugin', "$top/build/plugin/count.so",
		'--', $busybox, 'date')] } 1 .. 2;
	# QEMU says this of an idle machine, or not, as its own threads fall.
	$_->[2] =~ s/^qemu-system-aarch64: warning: icount sleep disabled.*\n//m for @counted;
	is_deeply($counted[0], $counted[1], "$kernel: two --icount runs execute the same instructions");
	like($counted[0][2], qr/^total: insn \d{6,} /m, "$kernel: which the plugin counts");
}

for my $bad (['--cpu'], ['--', '/nosuch'], ['--bogus', '--', $busybox], ['--root', '/nosuch', '--', $busybox],
	['--smp', 0, '--', $busybox], ['--', "$top/Makefile"], ['--', '/bin/sh'], ['--disk', '/nosuch', '--', $busybox]) {
	my ($status, $out, $err) = run($runner, @$bad);
	is("$status $out", '126 ', "bad usage: @$bad");
	is(scalar(() = $err =~ /\n/g), 1, 'is said in one line') or diag($err);
}

done_testing();
