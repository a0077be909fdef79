# SPDX-License-Identifier: BSD-2-Clause
#
# What the tests with Debian's Linux as a guest share, whatever the VMM: the guest's disk, what its part
# (guest/run.sh) prints, and the look at what it wrote.

package StetGuest;
use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use Exporter qw(import);
use StetTest;
use Test::More;

our @EXPORT = qw(MIB guest_initrd guest_disk guest_is);

use constant { MIB => 1 << 20, DISK_MIB => 81 };

# The initramfs with the guest's part in it: its file.
sub guest_initrd
{
	my ($file) = @_;
	my ($made, undef, $why) = run("$top/tools/guest-initrd", $file, "$top/tests/system/guest");

	is($made, 0, 'the initramfs is made') or BAIL_OUT($why);
	return $file;
}

# Bytes that differ from block to block, the same each time. Returns the first 64 MiB.
sub guest_disk
{
	my ($file) = @_;
	my $block = join('', map { pack('V', ($_ * 2654435761) & 0xffffffff) } 1 .. MIB / 4 - 1);
	my $data = join('', map { pack('V', $_) . $block } 1 .. 64);

	open(my $out, '>:raw', $file) or die "$file: $!";
	print $out $data;
	truncate($out, DISK_MIB * MIB) or die "$file: $!";
	close($out) or die "$file: $!";
	return $data;
}

sub read_disk
{
	my ($file, $mib, $count) = @_;

	open(my $in, '<:raw', $file) or die "$file: $!";
	seek($in, $mib * MIB, 0) or die "$file: $!";
	read($in, my $data, $count * MIB) // die "$file: $!";
	return $data;
}

sub expected
{
	my ($data) = @_;
	my $written = md5_hex(substr($data, 5 * MIB, 16 * MIB));
	my $sectors = DISK_MIB * MIB / 512;
	my $sum = 0;

	$sum = ($sum * 31 + $_) & 65535 for 1 .. 3000;
	return ('guest: Linux aarch64, 2 CPUs, host sparrow', "guest: disk $sectors sectors, vda",
		'guest: read ' . md5_hex($data), "guest: written $written", 'guest: vdb cannot be written',
		'guest: entropy', "guest: cpu 0 sum $sum", "guest: cpu 1 sum $sum", 'guest: reboots',
		'guest: rebooted, 2 CPUs', "guest: written then $written");
}

# The guest with the disk FILE, which had DATA, has printed OUT: did it do its work?
sub guest_is
{
	my ($who, $file, $data, $out) = @_;
	# The guest's kernel may print before the line's end has left.
	my @lines = map { s/\[ *\d+\.\d+\] .*//r } grep { /^guest: / } split(/\r*\n/, $out);

	is_deeply(\@lines, [expected($data)], "$who: the guest does its work, before and after a reboot")
		or diag(substr($out, -4000));
	is(read_disk($file, 64, 16), substr($data, 5 * MIB, 16 * MIB), "$who: what it wrote is on the disk");
	is(md5_hex(read_disk($file, 0, 64)), md5_hex($data), "$who: what it did not write is as before");
}

1;
