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
my $bash = "$sysroot/programs/bin/bash";

sub try
{
	my ($kernel, @rest) = @_;

	return run($runner, '--kernel', $kernel, '--timeout', 60, @rest);
}

sub put
{
	my ($file, @data) = @_;

	open(my $out, '>:raw', $file) or die "$file: $!";
	print $out @data;
	close($out) or die "$file: $!";
}

for my $kernel (kernels()) {
	my ($status, $out, $err) = try($kernel, '--', $busybox, 'echo', 'one', 'two  words', '', '3');
	is($out, "one two  words  3\n", "$kernel: the output, and nothing else");
	is($status, 0, "$kernel: status 0") or diag($err);

	# Bytes of every value, among them the one that begins the kernel's lines.
	put("$scratch/bytes", map { pack('C*', map { ($_ * 7) & 255 } 0 .. 255) . "\x02\x02exit 3\n\x02" } 1 .. 500);
	mkdir("$scratch/$_") for 'root', 'packed';
	put("$scratch/root/one", "from a directory\n");
	put("$scratch/packed/two", "from an archive\n");
	run("$top/tools/mkcpio", "$scratch/root.cpio", "$scratch/packed");
	($status, $out) = try($kernel, '--root', "$scratch/root", '--root', "$scratch/root.cpio",
		'--file', "/data/bytes=$scratch/bytes", '--', $busybox, 'cat', '/one', '/two', '/data/bytes', '/nosuch');
	my $said = 'cat: can\'t open \'/nosuch\': No such file or directory';
	$out =~ s/\Q$said\E\r?\n\z// or fail("$kernel: stderr is there too");
	ok($out eq "from a directory\nfrom an archive\n" . slurp("$scratch/bytes"),
		"$kernel: --root DIR, --root CPIO, --file; every byte passes unchanged");
	is($status, 1, "$kernel: an exit status");

	($status, $out, $err) = try($kernel, '--timeout', 3, '--', $busybox, 'sleep', 1000);
	is($status, 124, "$kernel: a time-out");
	like($err, qr/no end after 3 s/, "$kernel: and it is said");

	# The clock says it to a thousand instructions; on Stet, where that takes no minute, a count to the last.
	my @plugin = $kernel eq 'stet' ? ('--plugin', "$top/build/plugin/count.so") : ();
	my @counted = map { [try($kernel, '--icount', '--smp', 2, @plugin, '--', $bash, '-c', 'echo $EPOCHREALTIME')] } 1 .. 2;
	# QEMU says this of an idle machine, or not, as its own threads fall.
	$_->[2] =~ s/^qemu-system-aarch64: warning: icount sleep disabled.*\n//m for @counted;
	is_deeply($counted[0], $counted[1], "$kernel: two --icount runs execute the same instructions");
	like($counted[0][1], qr/^\d+\.\d{6}$/, "$kernel: the clock tells how many");
	like($counted[0][2], qr/^total: insn \d{6,} /m, "$kernel: which the plugin counts") if @plugin;
}

for my $bad (['--cpu'], ['--', '/nosuch'], ['--bogus', '--', $busybox], ['--root', '/nosuch', '--', $busybox],
	['--smp', 0, '--', $busybox], ['--', "$top/Makefile"], ['--', '/bin/sh'], ['--disk', '/nosuch', '--', $busybox]) {
	my ($status, $out, $err) = run($runner, @$bad);
	is("$status $out", '126 ', "bad usage: @$bad");
	is(scalar(() = $err =~ /\n/g), 1, 'is said in one line') or diag($err);
}

done_testing();
