#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Debian's Linux as a guest of `stet run`, on Stet and on Debian's own KVM: it reads 64 MiB from its
# disk, writes and reads again, computes on both vCPUs, reboots once and powers off. What the guest
# wrote is looked at from here. guest/run.sh is the guest's part.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use StetGuest;
use StetTest;
use Test::More;

use constant TIMEOUT => 600;

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

my $initrd = guest_initrd("$scratch/initrd");
run("$top/tools/guest-initrd", "$initrd.again", "$top/tests/system/guest");
ok(slurp($initrd) eq slurp("$initrd.again"), 'and the same again');

for my $kernel (kernels()) {
	my $disk = "$scratch/disk";
	my $data = guest_disk($disk);
	my ($status, $out, $err) = run_guest($kernel, $initrd, $disk);

	is($status, 0, "$kernel: the guest switches itself off") or diag($err);
	guest_is($kernel, $disk, $data, $out);
	like($out, qr/^ +exits +\d{3,}/m, "$kernel: the table of exits");
	like($out, qr/^ +$_ +[1-9]\d*\r?$/m, "$kernel: by reason: $_") for qw(hvc_exit_stat mmio_exit_user mmio_exit_kernel);
	next unless $kernel eq 'stet';
	like($out, qr/^ +vector bank: $_ +\d+\r?$/m, "$kernel: and of the vector bank: $_")
		for 'saves', 'loads', 'traps of first use', 'switches avoided';
}
done_testing();
