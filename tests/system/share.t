#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Eight vCPUs that never leave of themselves share two CPUs equally: over a second each has its share within
# a twentieth, and a thread that sleeps a millisecond at a time is never late by more than a slice (bench/share.c). On
# Stet alone: it is Stet's promise, and `make bench` prints Linux beside it.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use StetTest;
use Test::More;

plan(skip_all => 'no kernel') unless grep { $_ eq 'stet' } kernels();

my ($status, $out, $err) = run("$top/tools/stet-qemu", '--icount', '--smp', 2, '--mem', 1024, '--timeout', 600, '--',
	"$top/build/user/bench/share");
my %said = $out =~ /^(\S+)\t([\d.]+)$/mg;

is($status, 0, 'bench/share ends') or diag($out, $err);
cmp_ok($said{'share-least'} // 0, '>=', 950, 'who has least');
cmp_ok($said{'share-most'} // 8000, '<=', 1050, 'who has most');
cmp_ok($said{'late-most'} // 1e9, '<', 4100, 'microseconds that a waking thread waits');
diag($out);
done_testing();
