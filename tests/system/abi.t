#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# docs/abi.md lists what the tables in the code have, and nothing else; user/calls.c tries each system call.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use StetTest;
use Test::More;

sub text_of
{
	my ($name) = @_;

	open(my $in, '<', "$top/$name") or die "$name: $!";
	local $/;
	return <$in>;
}

my $doc = text_of('docs/abi.md');
my $api = text_of('kernel/kvm/api.c');

sub same
{
	my ($what, $code, $text) = @_;

	is_deeply([sort @$text], [sort @$code], $what);
	cmp_ok(scalar @$code, '>', 3, "$what: the table was found");
}

# The rows of one table of api.c, by its name.
sub rows
{
	my ($name, $pattern) = @_;

	my ($table) = $api =~ /\b$name\[\] = \{\n(.*?)\n\};/s;
	return [($table // '') =~ /$pattern/g];
}

my ($calls) = $doc =~ /^## System calls\n(.*?)^Differences/ms;
same('system calls', [text_of('kernel/linux/syscall.c') =~ /\[__NR(?:3264)?_(\w+)\]/g],
     [map { /`(\w+)`/g } grep { /^\|.*`\w+`/ } split /\n/, $calls]);
same('calls with wrong arguments', [text_of('kernel/linux/syscall.c') =~ /\[__NR(?:3264)?_(\w+)\]/g],
     [text_of('user/calls.c') =~ s/^#define.*//mgr =~ /(?:\bCALL[06]?\(|\{ "(?=rt_sigreturn"))(\w+)/g]);
my %table = ('/dev/kvm' => 'kvm_rows', 'a VM' => 'vm_rows', 'a vCPU' => 'vcpu_rows');
for my $of (sort keys %table) {
	my ($line) = $doc =~ /^\| \Q$of\E \| (.*) \|$/m;
	same("ioctls of $of", rows($table{$of}, qr/\{ (KVM_\w+),/), [$line =~ /`(\w+)`/g]);
}
same('capabilities', rows('caps', qr/\{ (KVM_CAP_\w+),/), [$doc =~ /`(KVM_CAP_\w+)`/g]);

my ($take) = text_of('kernel/boot/cmdline.c') =~ /^static void take_word\(.*?\n\}/ms ? $& : '';
same('words of the command line', [$take =~ /word, "([\w.]+)/g],
     [text_of('docs/man/stet.7') =~ /^\.TP\n\.BI? ([\w.]+)/mg]);

# ---- what every reader is promised ----

cmp_ok(scalar(() = text_of('README.md') =~ /\n/g), '<', 120, 'README.md has less than 120 lines');
chomp(my @files = `cd $top && find Makefile .ci kernel vmm user bench tests tools -type f ! -name '*.md' ! -name budget.txt`);
cmp_ok(scalar @files, '>', 500, 'the sources are found');
is_deeply([grep { substr(text_of($_), 0, 300) !~ /SPDX-License-Identifier: BSD-2-Clause/ } @files], [], 'each names its licence');

done_testing();
