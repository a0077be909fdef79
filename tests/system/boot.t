#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# What Stet takes of a machine. Machines with more than Stet uses, and device trees that are wrong or missing: what can be used is, and the log
# says what is left out; the rest is refused in words.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use StetTest;
use Test::More;

plan(skip_all => 'no kernel') unless grep { $_ eq 'stet' } kernels();

my $runner = "$top/tools/stet-qemu";
my @machine = ('-machine', 'virt,virtualization=on,gic-version=3', '-cpu', 'max', '-display', 'none',
	'-nic', 'none');

# The device tree QEMU makes of a machine, as bytes.
sub tree_of
{
	my (@options) = @_;
	my @args = ('qemu-system-aarch64', @machine, @options);

	$args[2] .= ",dumpdtb=$scratch/dtb";
	my ($status, undef, $err) = run(@args);
	$status == 0 or BAIL_OUT("no device tree: $err");
	return slurp("$scratch/dtb");
}

# Give the first property of that name another value (Devicetree Specification 0.4, chapter 5).
sub set_property
{
	my ($tree, $name, $value) = @_;
	my ($struct, $strings) = (unpack('N*', substr($tree, 0, 40)))[2, 3];
	my $key = index($tree, "\0$name\0", $strings - 1) + 1 - $strings;
	my $at = $struct;

	for (;;) {
		my $token = unpack('N', substr($tree, $at, 4));
		if ($token == 1) {			# a node begins
			$at = index($tree, "\0", $at + 4) + 1;
			$at = ($at + 3) & ~3;
		} elsif ($token == 3) {
			my ($length, $of) = unpack('N2', substr($tree, $at + 4, 8));
			my $padded = ($length + 3) & ~3;
			if ($of == $key) {
				my $new = $value->(substr($tree, $at + 12, $length));
				my $more = ((length($new) + 3) & ~3) - $padded;
				substr($tree, $at + 4, 4) = pack('N', length($new));
				substr($tree, $at + 12, $padded) = $new . "\0" x (-length($new) & 3);
				return header_grown($tree, $struct, $strings, $more);
			}
			$at += 12 + $padded;
		} elsif ($token == 9) {
			BAIL_OUT("no property $name in QEMU's tree");
		} else {
			$at += 4;
		}
	}
}

# The header's totalsize, off_dt_strings (behind the structure block) and size_dt_struct.
sub header_grown
{
	my ($tree, $struct, $strings, $more) = @_;
	my @header = unpack('N10', $tree);

	$strings > $struct or BAIL_OUT('the strings stand before the structure');
	$header[$_] += $more for 1, 3, 9;
	substr($tree, 0, 40) = pack('N10', @header);
	return $tree;
}

sub with_tree
{
	my ($tree, @options) = @_;

	open(my $out, '>:raw', "$scratch/tree") or die "tree: $!";
	print $out $tree;
	close($out) or die "tree: $!";
	return run($runner, '--verbose', '--timeout', 120, @options, '--qemu', '-dtb', '--qemu', "$scratch/tree",
		'--', $busybox, 'nproc');
}

# Options for that much memory, which may be more than there is: it lies in a file with a hole, of which nothing is
# touched but what Stet uses.
sub memory
{
	my ($mib) = @_;

	open(my $file, '>', "$scratch/memory") or die "memory: $!";
	truncate($file, $mib << 20) or die "memory: $!";
	close($file);
	return ('--mem', $mib, '--machine', 'memory-backend=ram', '--qemu', '-object',
		'--qemu', "memory-backend-file,id=ram,size=${mib}M,mem-path=$scratch/memory,share=on");
}

# ---- what it takes for itself ----

# The kernel with all it has allocated until the first program runs, its archive not counted: at most 4 MiB and
# 8 bytes a page.
for my $mib (256, 2048, 8192) {
	my ($status, $out, $err) = run($runner, '--verbose', '--smp', 2, memory($mib), '--timeout', 120,
		'--', $busybox, 'cat', '/proc/meminfo');
	my ($free) = $out =~ /^MemFree: +(\d+) kB$/m or BAIL_OUT("no MemFree: $out$err");
	my ($archive) = $err =~ /^files: an archive of (\d+) KiB/m or BAIL_OUT("no archive: $err");

	cmp_ok($mib * 1024 - $free - $archive, '<=', 4096 + $mib * 2, "of $mib MiB it takes at most this many KiB");
}

# ---- more than it uses ----

my ($status, $out, $err) = run($runner, '--verbose', '--smp', 34, '--timeout', 240, '--', $busybox, 'nproc');
is("$status $out", "0 32\n", '34 CPUs: 32 are used') or diag($err);
like($err, qr/^cpus: the machine has 34, Stet uses 32$/m, 'and it is said');

($status, $out, $err) = with_tree(set_property(tree_of('-smp', 3), '#redistributor-regions', sub { pack('N', 40) }),
	'--smp', 3);
is("$status $out", "0 3\n", 'regions of redistributors that the tree counts and does not list') or diag($err);

my $tree = tree_of('-smp', 2);
my $rows = pack('N4', 0, 0x080a0000, 0, 0x20000);
$tree = set_property($tree, '#redistributor-regions', sub { pack('N', 10) });
my $gic = index($tree, pack('N8', 0, 0x08000000, 0, 0x10000, 0, 0x080a0000, 0, 0xf60000));
SKIP: {
	skip('QEMU places its GIC elsewhere', 2) if $gic < 0;
	# the length of this reg property stands 8 bytes before it
	my $length = unpack('N', substr($tree, $gic - 8, 4));
	my $new = pack('N4', 0, 0x08000000, 0, 0x10000) . $rows
		. join('', map { pack('N4', 0, 0x080a0000 + 0x20000 * $_, 0, 0x20000) } 1 .. 9);
	substr($tree, $gic - 8, 4) = pack('N', length($new));
	substr($tree, $gic, $length) = $new;
	my ($struct, $strings) = (unpack('N*', substr($tree, 0, 40)))[2, 3];
	$tree = header_grown($tree, $struct, $strings, length($new) - $length);
	($status, $out, $err) = with_tree($tree, '--smp', 2);
	is("$status $out", "0 2\n", '10 regions of redistributors: 8 are used') or diag($err);
	like($err, qr/^gic: 10 redistributor regions, Stet uses 8$/m, 'and it is said');
}

($status, $out, $err) = run($runner, '--verbose', memory(300 << 10), '--timeout', 240, '--', $busybox, 'true');
is($status, 0, '300 GiB of memory') or diag($err);
like($err, qr/^memory: 45056 MiB beyond 0x4040000000 are not used$/m, 'and what is not used is said');

my $disk = "$scratch/disk";
open(my $file, '>', $disk) or die "disk: $!";
truncate($file, 4096) or die "disk: $!";
close($file);
($status, $out, $err) = run($runner, '--verbose', '--timeout', 120, (map { ('--disk', "$disk,ro") } 1 .. 28),
	'--', $busybox, 'sh', '-c', 'ls /dev/vd* | wc -l');
is("$status $out", "0 26\n", '28 disks: 26 are used') or diag($err);
like($err, qr/^virtio: device 2: error \d+, not used$/m, 'and it is said');

# ---- the machine's clock, and what is not there ----

# The time of day is the PL031's; a system call that is unknown is named once, with the program that made it first.
($status, $out, $err) = run($runner, '--verbose', '--timeout', 60, '--qemu', '-rtc', '--qemu', 'base=2031-02-03T04:05:06',
	'--file', "/bin/ionice=$busybox", '--file', "/bin/other=$busybox", '--', $busybox, 'sh', '-c',
	'date -u +%Y-%m-%dT%H; for i in 1 2 3; do /bin/ionice; /bin/other ionice; done 2>/dev/null; true');
is("$status $out", "0 2031-02-03T04\n", "the time is the clock's") or diag($err);
is_deeply([$err =~ /^(linux: no system call 31,.*)$/mg], ['linux: no system call 31, wanted by ionice'],
	'an unknown system call is named once, with its program');

# ---- a tree that is not true ----

($status, $out, $err) = with_tree(tree_of('-smp', 3), '--smp', 2);
is("$status $out", "0 2\n", 'a CPU that the firmware does not start is left out') or diag($err);
like($err, qr/^cpu 2 \(MPIDR 2\): PSCI CPU_ON failed: -\d+$/m, 'and it is said');

($status, $out, $err) = with_tree(tree_of('-smp', 1) =~ s/\0\0\0\x04(.{4})cpu\0/\0\0\0\x04$1cpx\0/sr);
is($status, 125, 'a tree without CPUs is refused');
like($err, qr/the device tree lacks: cpus/, 'in words');

# ---- no tree, or none at x0 ----

# Without -kernel QEMU enters what its loader has put there with x0 = 0. Nobody knows how to switch such a machine
# off, so it waits, and is ended from here when it has said a line.
sub entered_with
{
	my (@loader) = @_;

	open(STDIN, '<', '/dev/null') or die "/dev/null: $!";
	my $pid = open(my $serial, '-|', 'timeout', '-k', 5, 60, 'qemu-system-aarch64', @machine, '-nodefaults', '-m', 256,
		'-serial', 'stdio', '-device', "loader,file=$top/build/stet,addr=0x40200000,force-raw=on", @loader)
		or die "qemu: $!";
	my $said = '';
	while (my $line = <$serial>) {
		$said .= $line;
		last if $line =~ /^stet[: ]/i;
	}
	kill('TERM', $pid);
	close($serial);
	return $said;
}

like(entered_with('-device', 'loader,addr=0x40200000,cpu-num=0'), qr/^stet: cannot run here: no device tree was given in x0\r$/m,
	'x0 = 0 is refused in words');

# Entered from these instructions. QEMU has its tree at the start of memory.
sub entered_from
{
	open(my $out, '>:raw', "$scratch/entry") or die "entry: $!";
	print $out pack('V*', @_, 0xd2a80401, 0xd61f0020); # mov x1, #0x40200000; br x1
	close($out) or die "entry: $!";
	return entered_with('-device', "loader,file=$scratch/entry,addr=0x41000000,force-raw=on,cpu-num=0");
}

like(entered_from(0xd2a90000), # mov x0, #0x48000000
	qr/^stet: cannot run here: what x0 points at is no device tree\r$/m, 'x0 that points at no tree is refused in words');
like(entered_from(0xd50040bf, 0xd2a80000), # msr spsel, #0; mov x0, #0x40000000
	qr/^Stet \d/m, 'it may be entered on SP_EL0');

done_testing();
