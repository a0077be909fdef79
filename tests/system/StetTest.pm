# SPDX-License-Identifier: BSD-2-Clause
#
# What the system tests share: paths, and running a command with its output, errors and status.

package StetTest;
use strict;
use warnings;
use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use POSIX ();

our @EXPORT = qw($top $sysroot $busybox $scratch run slurp kernels);

our $top = abs_path(dirname(__FILE__) . '/../..');
our $sysroot = "$top/build/sysroot";
our $busybox = "$sysroot/bin/busybox";
our $scratch = tempdir('stet-test.XXXXXX', TMPDIR => 1, CLEANUP => 1);

# Run a command: ($status, $stdout, $stderr); a signal gives 128 + its number. A first argument
# { stdin => FILE } gives it input.
sub run
{
	my $how = ref $_[0] ? shift : {};
	my @command = @_;

	my $pid = fork() // die "fork: $!";
	if ($pid == 0) {
		open(STDIN, '<', $how->{stdin} // '/dev/null') or die "stdin: $!";
		open(STDOUT, '>:raw', "$scratch/stdout") or die "stdout: $!";
		open(STDERR, '>:raw', "$scratch/stderr") or die "stderr: $!";
		exec(@command) or POSIX::_exit(127);
	}
	waitpid($pid, 0);
	my $status = $? & 127 ? 128 + ($? & 127) : $? >> 8;
	return ($status, map { slurp("$scratch/$_") } 'stdout', 'stderr');
}

sub slurp
{
	my ($file) = @_;

	open(my $in, '<:raw', $file) or die "$file: $!";
	local $/;
	return <$in> // '';
}

# The kernels to test with, Stet if it was built.
sub kernels { return ('linux', -e "$top/build/stet" ? 'stet' : ()) }

1;
