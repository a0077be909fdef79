#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# tools/stet-qemu --trace-syscalls: each call of each program in words on stderr, and the program's own output
# as it is without.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use StetTest;
use Test::More;

plan(skip_all => 'no kernel') unless grep { $_ eq 'stet' } kernels();

my @run = ("$top/tools/stet-qemu", '--smp', 2, '--timeout', 120);
my @script = ('--', $busybox, 'sh', '-c', <<'END' =~ s/\n/; /gr);
echo hello >/f
read x </f
/bin/busybox cat /f /nosuch 2>/dev/null | /bin/busybox wc
/bin/busybox chmod 640 /f
/bin/busybox sleep 0.25
/bin/busybox sleep 9 & kill -TERM $!
wait
exit 3
END

my ($status, $out, $err) = run(@run, '--trace-syscalls', @script);
is("$status $out", '3 ' . sprintf("%9d %9d %9d\n", 1, 1, 6), 'the program runs as ever, its output is its own') or diag($err);

for my $want (
	[qr/^\[1 busybox\] openat\(AT_FDCWD, "\/f", O_WRONLY\|O_CREAT\|O_TRUNC(\|O_LARGEFILE)?, 0666\) = 3$/m, 'a path, flags and a mode'],
	[qr/^\[1 busybox\] write\(1, "hello\\n", 6\) = 6$/m, 'what is written'],
	[qr/^\[1 busybox\] read\(0, "h", 1\) = 1$/m, 'what was read'],
	[qr/^\[\d+ busybox\] execve\("\/bin\/busybox", \["\/bin\/busybox", "cat", "\/f", "\/nosuch"\], 0x\w+\) = 0$/m, 'a program and its arguments'],
	[qr/^\[\d+ busybox\] openat\(AT_FDCWD, "\/nosuch", O_RDONLY.*\) = -1 ENOENT$/m, 'an error by its name'],
	[qr/^\[\d+ busybox\] pipe2\(\[\d+, \d+\], .*\) = 0$/m, 'what a call filled in'],
	[qr/^\[\d+ busybox\] fchmodat\(AT_FDCWD, "\/f", 0640\) = 0$/m, 'an octal mode'],
	[qr/^\[\d+ busybox\] (clock_)?nanosleep\(.*\{0, 250000000\}, .*\) = 0$/m, 'a struct'],
	[qr/^\[1 busybox\] kill\(\d+, SIGTERM\) = 0$/m, 'a signal by its name'],
	[qr/^\[1 busybox\] wait4\(-1, \[SIGTERM\], \w+, 0\) = \d+$/m, 'how a child ended'],
	[qr/^\[\d+ busybox\] clone\(CLONE_\w+.*\|SIGCHLD, .*\) = \d+$/m, 'flags with a signal in them'],
	[qr/^\[1 busybox\] rt_sigaction\(SIGINT, \{\w+, \w+, ~\[32 33\]\}, .*\) = 0$/m, 'an action'],
	[qr/^\[1 busybox\] exit_group\(3\) = \?$/m, 'a call that never returns']) {
	like($err, $want->[0], $want->[1]);
}
like($err, qr/^\[\d+ busybox\] mprotect\(0x\w+, 0x\w+, PROT_READ\) = 0$/m, 'protection');
my @odd = grep { !/^\[\d+(?:\/\d+)? [^\]]+\] \w+\(.*\) = / } split /\n/, $err;
is_deeply(\@odd, [], 'nothing else is said');

# A call that waits when the machine ends has been told; threads have numbers of their own.
($status, $out, $err) = run(@run, '--trace-syscalls', '--', "$top/build/user/tests/user/epoll");
like($err, qr/^\[1\/\d+ epoll\] /m, 'a thread is not its program');

($status, $out, $err) = run(@run, @script);
is("$status $err", '3 ', 'without it nothing is said');
($status) = run(@run, '--kernel', 'linux', '--trace-syscalls', @script);
is($status, 126, 'Linux has strace');

done_testing();
