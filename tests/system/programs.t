#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Debian's static bash, zsh, sash and e2fsck, which nobody here wrote, by command lines (programs.txt): the same output,
# status and files left on Stet as on Linux. Each machine has an empty disk. And each system call with wrong arguments (user/calls.c).

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Lines;
use StetTest;
use Test::More;

plan(skip_all => 'no kernel') unless grep { $_ eq 'stet' } kernels();

my $programs = "$sysroot/programs/bin";
-x "$programs/bash" or BAIL_OUT("no $programs/bash: run tools/programs");

sub options
{
	my ($kernel) = @_;
	my $disk = "$scratch/disk.$kernel";

	open(my $out, '>', $disk) or die "$disk: $!";
	truncate($out, 16 << 20) or die "$disk: $!";
	close($out);
	return ('--disk', $disk, '--file', "/bin/calls=$top/build/user/calls", map { ('--file', "/bin/$_=$programs/$_") } qw(bash zsh sash e2fsck));
}

same_lines('programs.txt', 90, \&options);
done_testing();
