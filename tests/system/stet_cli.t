#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# `stet` with wrong arguments, wrong files and guests of a few instructions: each ends as its man
# page says, a mistake in one line on stderr with status 1.
#
# One machine each of Stet and Linux runs all cases by a shell script.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use StetTest;
use Test::More;

my $stet = "$top/build/user/stet";
my $files = "$scratch/files";

# ---- guests --------------------------------------------------------------------------------------

# Instructions, by the Arm Architecture Reference Manual (DDI 0487), C6.2.
sub movz_low { my ($reg, $value) = @_; return 0x52800000 | $value << 5 | $reg }
sub movz_high { my ($reg, $value) = @_; return 0xd2a00000 | $value << 5 | $reg }
sub movk_high { my ($reg, $value) = @_; return 0x72a00000 | $value << 5 | $reg }
use constant {
	HVC => 0xd4000002,
	LOOP => 0x14000000,		# b .
	LOOP_IF_X0 => 0xb5000000,	# cbnz x0, .
	LDR_X0_X2 => 0xf9400040,	# ldr x0, [x2]
	STR_X0_X2 => 0xf9000040,	# str x0, [x2]
	STRB_W3_X2 => 0x39000043,	# strb w3, [x2]
	LDP_X0_X1_X2 => 0xa9400440,	# ldp x0, x1, [x2]
};
use constant { SERIAL_HIGH => 0x0900, NOBODY_HIGH => 0x0b00 };	# addresses >> 16
use constant { SYSTEM_OFF => 0x0008, SYSTEM_RESET => 0x0009, PSCI_HIGH => 0x8400 };

sub psci { my ($function) = @_; return (movz_low(0, $function), movk_high(0, PSCI_HIGH), HVC, LOOP) }

# An Image: a branch over its header of 64 bytes, then the instructions.
sub image
{
	my ($image_size, $flags, @code) = @_;

	return pack('V V Q< Q< Q< Q<3 a4 V', LOOP | 16, 0, 0, $image_size, $flags, 0, 0, 0, "ARM\x64", 0)
		. pack('V*', @code);
}

sub put
{
	my ($name, $data) = @_;

	open(my $out, '>:raw', "$files/$name") or die "$files/$name: $!";
	print $out $data;
	close($out) or die "$files/$name: $!";
}

mkdir($files) or die "$files: $!";
put('empty', '');
put('text', "no kernel\n" x 100);
put('gzip', "\x1f\x8b\x08" . "\0" x 100);
put('zboot', "MZ\0\0zimg" . "\0" x 100);
put('elf', "\x7fELF" . "\0" x 100);
put('big-endian', image(0x10000, 1, psci(SYSTEM_OFF)));
put('huge', image(~0xfff, 0, psci(SYSTEM_OFF)));
put('initrd', 'x' x (20 << 20));
put('off', image(0x10000, 0, psci(SYSTEM_OFF)));
put('reset', image(0x10000, 0, psci(SYSTEM_RESET)));
put('hello', image(0x10000, 0, movz_high(2, SERIAL_HIGH), movz_low(3, ord('H')), STRB_W3_X2,
	movz_low(3, ord('i')), STRB_W3_X2, movz_low(3, 10), STRB_W3_X2, psci(SYSTEM_OFF)));
put('nobody', image(0x10000, 0, movz_high(2, NOBODY_HIGH), movz_low(0, 1), STR_X0_X2, LDR_X0_X2,
	LOOP_IF_X0, psci(SYSTEM_OFF)));
put('pair', image(0x10000, 0, movz_high(2, SERIAL_HIGH), LDP_X0_X1_X2, LOOP));

# ---- cases ---------------------------------------------------------------------------------------

# Arguments, exit status, what is printed. A mistake is one line "stet: ..."; $mistake makes one.
sub mistake { my ($text) = @_; return qr/\Astet: $text[^\n]*\n\z/ }
my @cases = (
	['', 1, mistake('a command is needed')],
	['walk', 1, mistake('unknown command walk')],
	['version', 0, qr/\Astet \d+\.\d+\n\z/],
	['version now', 1, mistake('version takes no arguments')],
	['--help', 0, qr/\Ausage: stet run .*--kernel.*--initrd.*--cmdline.*--memory.*--cpus.*--disk/s],
	['info', 0, qr/^KVM API version 12.*^ +1  irqfd\n.*^ +1  PSCI 0\.2\n/ms],
	['run', 1, mistake('--kernel is needed')],
	['run --kernel', 1, mistake('--kernel needs an argument')],
	['run --colour', 1, mistake('unknown option --colour')],
	['run --kernel /t/off more', 1, mistake('more is not expected')],
	['run --kernel /t/none', 1, mistake('cannot open kernel /t/none: No such file')],
	['run --kernel /t', 1, mistake('kernel /t is no regular file')],
	['run --kernel /t/empty', 1, mistake('kernel /t/empty is empty')],
	['run --kernel /t/text', 1, mistake('kernel /t/text is no arm64 Linux Image')],
	['run --kernel /t/gzip', 1, mistake('kernel /t/gzip is compressed by gzip')],
	['run --kernel /t/zboot', 1, mistake('kernel /t/zboot is a compressed EFI image')],
	['run --kernel /t/elf', 1, mistake('kernel /t/elf is an ELF file')],
	['run --kernel /t/big-endian', 1, mistake('kernel /t/big-endian is big-endian')],
	['run --kernel /t/huge', 1, mistake('kernel /t/huge needs \d+ MiB; the guest has 512 MiB')],
	['run --kernel /t/off --initrd /t/none', 1, mistake('cannot open initrd /t/none: No such file')],
	['run --kernel /t/off --initrd /t/initrd --memory 16', 1, mistake('initrd /t/initrd .* does not fit')],
	['run --kernel /t/off --disk /t/none', 1, mistake('cannot open disk /t/none: No such file')],
	['run --kernel /t/off --disk /t/empty', 1, mistake('disk /t/empty is empty')],
	(map { ["run --kernel /t/off --memory $_", 1, mistake("--memory $_")] }
		qw(0 1M 17 x 16K -16 99999999999999999999 50000G 99999999G 16MM)),
	(map { ["run --kernel /t/off --cpus $_", 1, mistake("--cpus $_")] } qw(0 65 two 1x -1)),
	['run --kernel /t/off --console vga', 1, mistake('--console vga')],
	['run --kernel /t/off --name a/b', 1, mistake('--name a/b')],
	['run --kernel /t/off --memory 16T', 1, mistake('--memory 16T')],

	['run --kernel /t/off', 0, qr/\A\z/],
	['run --kernel /t/off --cpus 4 --memory 64M --name wren', 0, qr/\A\z/],
	['run --kernel /t/off --initrd /t/initrd --memory 1G', 0, qr/\A\z/],
	['run --kernel /t/hello', 0, qr/\AHi\n\z/],
	['run --kernel /t/nobody --stats', 0, qr/^  register accesses: nobody's +2$/m],
	['run --kernel /t/reset --no-reboot', 2, qr/\A\z/],
	['run --kernel /t/pair', 1, qr/\Astet: vCPU 0 cannot go on: .*^vCPU 0: pc 0000000040000044 .*^x0 .* x3 /ms],
);

# ---- running them --------------------------------------------------------------------------------

sub script
{
	my $script = join('', map { "echo '\@case $_'; stet $cases[$_][0]; echo \"\@status \$?\"\n" } 0 .. $#cases);

	return "busybox --install -s /bin; PATH=/bin\n${script}rm /dev/kvm\n"
		. "echo \@case last; stet run --kernel /t/off; echo \"\@status \$?\"\n";
}

# What each case printed and its status, by its number or 'last'.
sub run_cases
{
	my ($kernel) = @_;

	open(my $file, '>', "$scratch/script") or die "script: $!";
	print $file script();
	close($file) or die "script: $!";
	my ($status, $out, $err) = run("$top/tools/stet-qemu", '--kernel', $kernel, '--mem', 1024,
		(map { ('--file', "/t/$_=$files/$_") } map { s{.*/}{}r } glob("$files/*")),
		'--file', "/bin/stet=$stet", '--file', "/script=$scratch/script", '--file', "/bin/busybox=$busybox",
		'--', $busybox, 'sh', '/script');
	my %results;

	diag($err) if $status;
	$results{$1} = [$2, $3] while $out =~ /^\@case (\w+)\n(.*?)^\@status (\d+)\n/msg;
	return %results;
}

# The man page and the help name the same options.
sub options_of
{
	my ($text) = @_;
	my %seen = map { ($_, 1) } $text =~ /--([a-z][a-z-]+)/g;

	return [sort grep { $_ ne 'help' } keys %seen];
}

my $man = slurp("$top/docs/man/stet.1") =~ s/\\-/-/gr;
my $help = slurp("$top/vmm/main.c") =~ s/.*help_text\[\] =(.*?)";\n.*/$1/sr;
is_deeply(options_of($man), options_of($help), 'the man page and the help name the same options');

for my $kernel (kernels()) {
	my %results = run_cases($kernel);

	for my $n (0 .. $#cases) {
		my ($arguments, $status, $printed) = @{$cases[$n]};
		my ($got_printed, $got_status) = @{$results{$n} // ['(nothing)', 'none']};

		$got_printed =~ s/^stet: the keyboard belongs to the guest;.*\r?\n//m; # stdin is the console
		is($got_status, $status, "$kernel: stet $arguments: status");
		like($got_printed, $printed, "$kernel: stet $arguments");
	}
	like($results{last}[0], mistake('cannot open /dev/kvm: No such file'), "$kernel: no /dev/kvm");
	is($results{last}[1], 1, "$kernel: no /dev/kvm: status");
}
done_testing();
