# SPDX-License-Identifier: BSD-2-Clause
#
# Command lines with the same output, status and files left on Stet as on Linux: one machine each runs all the
# lines of a file (lines.sh). ONLY=N runs and shows the line of that number.

package Lines;
use strict;
use warnings;
use Exporter qw(import);
use StetTest;
use Test::More;

our @EXPORT = qw(same_lines);

# What the machine says of each line, by the line's number.
sub results
{
	my ($kernel, $file, @options) = @_;
	my ($status, $out, $err) = run("$top/tools/stet-qemu", '--kernel', $kernel, '--smp', 2, '--mem', 1024,
		'--timeout', 900, '--file', "/bin/busybox=$busybox", '--file', "/bin/sh=$busybox",
		'--file', "/lines.txt=$file", '--file', "/run.sh=$top/tests/system/lines.sh", @options, '--',
		'/bin/sh', '/run.sh');

	is($status, 0, "$kernel ran them all") or diag($err, substr($out, -500));
	return map { /^(\d+)\n(.*)/s ? ($1 => $2) : () } split /^@(?=\d+$|end$)/m, $out;
}

# A file with the line of that number alone.
sub only_line
{
	my ($name, $number, @lines) = @_;
	my $file = "$scratch/$name";

	open(my $out, '>', $file) or die "$file: $!";
	print $out "\n" x ($number - 1), $lines[$number - 1], "\n";
	close($out) or die "$file: $!";
	return $file;
}

# The lines of a file of this directory, of which there are at least so many; $options->(KERNEL) are more for the runner.
sub same_lines
{
	my ($name, $least, $options) = @_;
	my $file = "$top/tests/system/$name";
	my @lines = split /\n/, slurp($file);

	$file = only_line($name, $ENV{ONLY}, @lines) if $ENV{ONLY};
	my %on_linux = results('linux', $file, $options->('linux'));
	my %on_stet = results('stet', $file, $options->('stet'));
	cmp_ok(scalar keys %on_linux, '>=', $ENV{ONLY} ? 1 : $least, 'there are many');
	for my $number (sort { $a <=> $b } keys %on_linux) {
		fail("line $number ends by itself") if $on_linux{$number} =~ /^= 137\b/m && $lines[$number - 1] !~ /kill -9/;
		if (($on_stet{$number} // '') ne $on_linux{$number} && $lines[$number - 1] =~ /^calls /) {
			# One argument of some 400 differed once, on a busy machine: once more, alone, and that counts.
			diag("line $number differed: Stet said ", substr($on_stet{$number} // 'nothing', 0, 2000));
			my $alone = only_line($name, $number, @lines);
			$on_linux{$number} = {results('linux', $alone, $options->('linux'))}->{$number};
			$on_stet{$number} = {results('stet', $alone, $options->('stet'))}->{$number};
		}
		is($on_stet{$number} // 'nothing', $on_linux{$number}, "line $number: " . substr($lines[$number - 1], 0, 70));
		diag($on_linux{$number}) if $ENV{ONLY};
	}
}

1;
