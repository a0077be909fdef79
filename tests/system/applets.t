#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# A few hundred command lines of Debian's busybox (applets.txt), each with the same output, status and files left
# on Stet as on Linux: one machine each runs them all (applets.sh). ONLY=N runs and shows the line of that number.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use StetTest;
use Test::More;

plan(skip_all => 'no kernel') unless grep { $_ eq 'stet' } kernels();

my $seconds = 900;
my @lines = split /\n/, slurp("$top/tests/system/applets.txt");
my $file = "$top/tests/system/applets.txt";
if (my $only = $ENV{ONLY}) {
	$file = "$scratch/applets.txt";
	open(my $out, '>', $file) or die "$file: $!";
	print $out "\n" x ($only - 1), $lines[$only - 1], "\n";
	close($out) or die "$file: $!";
}

# What the machine says of each line, by the line's number.
sub results
{
	my ($kernel) = @_;
	my ($status, $out, $err) = run("$top/tools/stet-qemu", '--kernel', $kernel, '--smp', 2, '--mem', 1024,
		'--timeout', $seconds, '--file', "/bin/busybox=$busybox", '--file', "/bin/sh=$busybox",
		'--file', "/applets.txt=$file", '--file', "/run.sh=$top/tests/system/applets.sh", '--',
		'/bin/sh', '/run.sh');

	is($status, 0, "$kernel ran them all") or diag($err, substr($out, -500));
	return map { /^(\d+)\n(.*)/s ? ($1 => $2) : () } split /^@(?=\d+$|end$)/m, $out;
}

my %on_linux = results('linux');
my %on_stet = results('stet');
cmp_ok(scalar keys %on_linux, '>', $ENV{ONLY} ? 0 : 150, 'there are many');
for my $number (sort { $a <=> $b } keys %on_linux) {
	is($on_stet{$number} // 'nothing', $on_linux{$number}, "line $number: " . substr($lines[$number - 1], 0, 70));
}
done_testing();
