#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# tools/setup and tools/sysroot on machines where they cannot do their work: each says in its last line what to do, and
# nothing is left behind. The machine is a directory of commands, some of them made up here.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use StetTest;
use Test::More;

my $bin = "$scratch/bin";
my @real = qw(sh env cat sed grep sort tr tail head mktemp rm mkdir mv cp dirname basename awk cut flock uname du tar
	install find chmod);

sub write_file
{
	my ($file, $text) = @_;

	open(my $out, '>', $file) or die "$file: $!";
	print $out $text;
	close($out) or die "$file: $!";
}

# A machine with the usual commands, and with these: name => shell script.
sub machine
{
	my %made_up = (df => "echo head; echo '/dev/x 9 9 9000000 1% /'", id => 'echo 0', @_);

	system('rm', '-rf', $bin) == 0 && mkdir($bin) or die "$bin: $!";
	for my $name (@real) {
		my ($path) = grep { -x } map { "$_/$name" } '/usr/bin', '/bin';
		symlink($path // die("no $name"), "$bin/$name") or die "$name: $!";
	}
	for my $name (keys %made_up) {
		write_file("$bin/$name", "#!/bin/sh\n$made_up{$name}\n");
		chmod(0755, "$bin/$name") or die "$name: $!";
	}
}

sub try
{
	local $ENV{PATH} = $bin;

	return run(@_);
}

# The tool ends with status 1, and its last line, which is its own, is like that.
sub cannot
{
	my ($what, $like, @command) = @_;
	my ($status, $out, $err) = try(@command);

	is("$status $out", '1 ', "$what: status 1");
	like((split /\n/, $err)[-1], $like, "$what: it is said") or diag($err);
}

# ---- tools/setup ----

my @setup = ("$top/tools/setup", 'build');
my %apt = ('dpkg-deb' => 'exit 1');

machine();
cannot('no apt', qr/^setup: no apt-get here: .*use Debian 12 or 13/, @setup);
machine(id => 'echo 1000', 'apt-get' => 'exit 100');
cannot('no sudo', qr/^setup: no right to install: run as root 'apt-get install .*cpio/, @setup);
machine(id => 'echo 1000', 'apt-get' => 'exit 100', sudo => 'exit 1');
cannot('no password', qr/^setup: sudo asks for a password and there is no terminal: run 'sudo apt-get install /, @setup);
machine('apt-get' => 'echo "E: Could not open lock file /var/lib/dpkg/lock-frontend - open (13: Permission denied)"; exit 100');
cannot('no right', qr/^setup: no right to install: run as root /, @setup);

# What apt-get prints, by its verb. With an empty index and no network update fails with a warning only.
sub apt_says
{
	my %says = @_;

	return join("\n", 'for word; do case $word in', (map { "$_) echo \"$says{$_}[0]\"; exit $says{$_}[1] ;;" } keys %says),
		'esac; done');
}

my $no_address = 'W: Failed to fetch http://deb.example/InRelease  Temporary failure resolving deb.example';
machine('apt-get' => apt_says(install => ['E: Unable to locate package cpio', 100], update => [$no_address, 0]));
cannot('no network, no lists', qr/^setup: no network to the machine's apt sources: /, @setup);
machine('apt-get' => apt_says(install => ['E: Failed to fetch http://deb.example/x.deb  Could not connect', 100], update => ['', 100]));
cannot('no network', qr/^setup: no network to the machine's apt sources: /, @setup);
machine('apt-get' => apt_says(install => ["E: You don't have enough free space in /var/cache/apt/archives/.", 100], update => ['', 0]));
cannot('no space', qr/^setup: no space to install /, @setup);
machine('apt-get' => apt_says(install => ['E: Unable to locate package cpio', 100], update => ['Hit:1', 0]));
cannot('not in the sources', qr/^setup: the apt sources lack one of .*cpio/, @setup);
machine();
cannot('no such group', qr/^setup: no group 'x': /, $setup[0], 'x');

my @commands = qw(aarch64-linux-gnu-gcc gcc cpio xz perl);
machine('apt-get' => "for c in @commands; do cp $bin/true \$(dirname \$0)/\$c; done; echo \"\$@\" >>$scratch/apt", true => 'exit 0');
my ($status, $out, $err) = try(@setup);
is("$status $out", '0 ', 'with apt it installs') or diag($err);
like(slurp("$scratch/apt"), qr/install -y --no-install-recommends .*cpio/, 'what is missing');
unlink("$scratch/apt");
($status, $out, $err) = try(@setup);
is("$status$out$err", '0', 'the second time it says and does nothing');
ok(!-e "$scratch/apt", 'and apt is not called');

# ---- tools/sysroot ----

my $root = "$scratch/root";
my @sysroot = ("$top/tools/sysroot", $root);

machine();
cannot('no apt', qr/^sysroot: no apt-get here: /, @sysroot);
machine('apt-get' => 'exit 0');
cannot('no dpkg', qr/^sysroot: no dpkg-deb here: /, @sysroot);
machine(%apt, 'apt-get' => 'exit 0', df => "echo head; echo '/dev/x 9 9 20480 1% /'");
cannot('no space', qr/^sysroot: no space: 20 MiB free at .*, 300 MiB needed/, @sysroot);
machine(%apt, 'apt-get' => apt_says(update => [$no_address, 0]), 'apt-cache' => "echo 'E: No packages found' >&2; exit 100");
cannot('no network', qr/^sysroot: linux-image-arm64: no network to the machine's apt sources/, @sysroot);
machine(%apt, 'apt-get' => apt_says(update => ['Hit:1', 0]), 'apt-cache' => "echo 'E: No packages found' >&2; exit 100");
cannot('sources limited to one architecture', qr/^sysroot: linux-image-arm64: the apt sources know no arm64 packages \(look for 'Architectures:'/,
	@sysroot);
my $names = "echo '  Depends: linux-image-6.1.0-0-arm64'";
machine(%apt, 'apt-get' => apt_says(update => ['Hit:1', 0], download => ['E: Write error - write (28: No space left on device)', 100]),
	'apt-cache' => $names);
cannot('no space for the packages', qr/^sysroot: download: no space left at /, @sysroot);
machine(%apt, 'apt-get' => apt_says(update => ['Hit:1', 0], download => ['E: Failed to fetch x  404', 100]), 'apt-cache' => $names);
cannot('no network for the packages', qr/^sysroot: download: no network /, @sysroot);
is_deeply([grep { !m{/lock$} } glob("$root/*")], [], 'nothing is left behind');
machine();
($status, $out, $err) = try($sysroot[0], "$top/build/sysroot");
is("$status$out$err", '0', 'what is there is not fetched again: without apt it says and does nothing');

done_testing();
