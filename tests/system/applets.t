#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# A few hundred command lines of Debian's busybox (applets.txt), each with the same output, status and files left
# on Stet as on Linux.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Lines;
use StetTest;
use Test::More;

plan(skip_all => 'no kernel') unless grep { $_ eq 'stet' } kernels();
same_lines('applets.txt', 150, sub { () });
done_testing();
