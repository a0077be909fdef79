#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Debian's Linux as a guest of `stet run`, on Stet and on Debian's own KVM: it reads 64 MiB from its
# disk, writes and reads again, computes on both vCPUs, reboots once and powers off. What the guest
# wrote is looked at from here. guest/run.sh is the guest's part.

use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use FindBin;
use lib $FindBin::Bin;
use StetTest;
use Test::More;

use constant { MIB => 1 << 20, DISK_MIB => 81, TIMEOUT => 600 };

# Bytes that differ from block to block, the same each time. Returns the first 64 MiB.
sub make_disk
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

sub run_guest
{
	my ($kernel, $initrd, $disk) = @_;

	return run("$top/tools/stet-qemu", '--kernel', $kernel, '--smp', 2, '--mem', 2048,
		'--timeout', TIMEOUT, '--disk', $disk, '--file', "/guest/Image=$sysroot/boot/vmlinuz",
		'--file', "/guest/initrd=$initrd", '--file', "/guest/ro.img=$top/LICENSE",
		'--', "$top/build/user/stet", 'run', '--kernel', '/guest/Image', '--initrd', '/guest/initrd',
		'--cpus', 2, '--name', 'sparrow', '--cmdline', 'quiet', '--disk', '/dev/vda',
		'--disk', '/guest/ro.img,ro', '--stats');
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

my $initrd = "$scratch/initrd";
my ($made, undef, $why) = run("$top/tools/guest-initrd", $initrd, "$top/tests/system/guest");
is($made, 0, 'the initramfs is made') or BAIL_OUT($why);
run("$top/tools/guest-initrd", "$initrd.again", "$top/tests/system/guest");
ok(slurp($initrd) eq slurp("$initrd.again"), 'and the same again');

for my $kernel (kernels()) {
	my $disk = "$scratch/disk";
	my $data = make_disk($disk);
	my ($status, $out, $err) = run_guest($kernel, $initrd, $disk);
	my @lines = grep { /^guest: / } split(/\r?\n/, $out);

	is($status, 0, "$kernel: the guest switches itself off") or diag($err);
	is_deeply(\@lines, [expected($data)], "$kernel: the guest does its work, before and after a reboot")
		or diag(substr($out, -4000));
	is(read_disk($disk, 64, 16), substr($data, 5 * MIB, 16 * MIB), "$kernel: what it wrote is on the disk");
	is(md5_hex(read_disk($disk, 0, 64)), md5_hex($data), "$kernel: what it did not write is as before");
	like($out, qr/^ +exits +\d{3,}/m, "$kernel: the table of exits");
	next unless $kernel eq 'stet';
	like($out, qr/^ +vector bank: $_ +\d+\r?$/m, "$kernel: and of the vector bank: $_")
		for 'saves', 'loads', 'traps of first use', 'switches avoided';
}
done_testing();
