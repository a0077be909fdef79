#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# A VMM that nobody wrote for Stet: Debian's own QEMU for arm64, a dynamic program with fifty shared
# libraries, runs on Stet with -accel kvm and on it Debian's Linux does what it does under `stet run`
# (guest.t). The same QEMU and guest do it on Debian's KVM, in `make nightly`: nothing of ours runs there.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use StetGuest;
use StetTest;
use Test::More;

use constant TIMEOUT => 600;

# The machine lists its virtio-mmio devices last first.
sub run_qemu
{
	my ($kernel, $initrd, $disk) = @_;

	return run("$top/tools/stet-qemu", '--kernel', $kernel, '--smp', 2, '--mem', 1536,
		'--timeout', TIMEOUT, '--disk', $disk, '--root', "$top/build/qemu-root",
		'--file', "/guest/Image=$sysroot/boot/vmlinuz", '--file', "/guest/initrd=$initrd",
		'--file', "/guest/ro.img=$top/LICENSE", '--', '/usr/bin/qemu-system-aarch64',
		'-M', 'virt,gic-version=3,its=off', '-accel', 'kvm', '-cpu', 'host', '-smp', 2, '-m', 512,
		'-nodefaults', '-display', 'none', '-serial', 'stdio', '-kernel', '/guest/Image',
		'-initrd', '/guest/initrd', '-append', 'console=ttyAMA0 quiet hostname=sparrow',
		'-drive', 'if=none,id=ro,file=/guest/ro.img,format=raw,readonly=on',
		'-drive', 'if=none,id=disk,file=/dev/vda,format=raw',
		'-device', 'virtio-rng-device', '-device', 'virtio-blk-device,drive=ro',
		'-device', 'virtio-blk-device,drive=disk,serial=vda');
}

my ($made, undef, $why) = run("$top/tools/qemu-root");
is($made, 0, "Debian's QEMU is there") or BAIL_OUT($why);
my $initrd = guest_initrd("$scratch/initrd");

for my $kernel ($ENV{NIGHTLY} ? kernels() : 'stet') {
	my $disk = "$scratch/disk";
	my $data = guest_disk($disk);
	my ($status, $out, $err) = run_qemu($kernel, $initrd, $disk);

	is($status, 0, "$kernel: the guest switches itself off, QEMU ends") or diag($err);
	guest_is("QEMU on $kernel", $disk, $data, $out);
}
done_testing();
