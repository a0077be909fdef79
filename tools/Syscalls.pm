# SPDX-License-Identifier: BSD-2-Clause
#
# System calls in words, for `tools/stet-qemu --trace-syscalls`: takes the lines of kernel/linux/trace.c and
# gives one for each call, as
#
#	[1 sh] openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC) = -1 ENOENT
#
# with the program's name and pid (and the thread's number if it is another). The table of calls stands
# behind __DATA__, names of numbers come from the kernel's own headers. A call's line is printed when it
# has ended; one that never returns, when it begins.

package Syscalls;
use strict;
use warnings;
no warnings 'portable';	# numbers have 64 bits

my ($include, %names, %table, @number, %open);

# ---- names out of headers ------------------------------------------------------------------------

# All #defines with a number in these headers whose names the pattern matches: value => name. The first wins.
sub constants
{
	my ($pattern, @headers) = @_;

	return $names{$pattern} //= do {
		my %found;
		for my $header (@headers) {
			open(my $in, '<', "$include/$header") or next;
			while (<$in>) {
				my ($name, $value, $shift) =
					/^\s*#\s*define\s+($pattern)\s+\(?(0x[0-9a-fA-F]+|\d+)U?L*\b(?:\s*<<\s*(\d+))?/ or next;
				$value = oct($value) if $value =~ /^0/;
				$found{$value << ($shift // 0)} //= $name;
			}
		}
		\%found;
	};
}

sub arm64 { return "aarch64-linux-gnu/asm/$_[0]" }

# What the words of the table stand for: the names a number may have.
my %SETS = (
	open => ['O_\w+', arm64('fcntl.h'), 'asm-generic/fcntl.h'],
	at => ['AT_(?!STATX|RECURSIVE)\w+', 'linux/fcntl.h'],
	access => ['[RWX]_OK'],
	prot => ['PROT_\w+', 'asm-generic/mman-common.h'],
	map => ['MAP_(?!TYPE|FILE|HUGE)\w+', 'asm-generic/mman-common.h', 'asm-generic/mman.h', 'linux/mman.h'],
	advice => ['MADV_\w+', 'asm-generic/mman-common.h'],
	clone => ['CLONE_(?!NEWTIME|CLEAR|INTO)\w+', 'linux/sched.h'],
	futex => ['FUTEX_(?!BITSET|TID|WAITERS|OWNER|32)[A-Z_]+', 'linux/futex.h'],
	fcntl => ['F_(?!RDLCK|WRLCK|UNLCK|OWNER|SEAL|EXLCK|SHLCK|LOCK|ULOCK|TEST|TLOCK|OK)[A-Z]\w+', 'asm-generic/fcntl.h', 'linux/fcntl.h'],
	clock => ['CLOCK_(?!DEFAULT|EXT|TXFROMRX|TXINT|INT)\w+', 'linux/time.h'],
	signal => ['SIG(?!RT)[A-Z]+', 'asm-generic/signal.h'],
	how => ['SIG_(?:BLOCK|UNBLOCK|SETMASK)', 'asm-generic/signal-defs.h'],
	sa => ['SA_\w+', 'asm-generic/signal-defs.h'],
	wait => ['W[A-Z]+', 'linux/wait.h'],
	prctl => ['PR_(?:[GS]ET_\w+|SVE_[SG]\w+|CAP\w+)', 'linux/prctl.h'],
	rlimit => ['RLIMIT_\w+', 'asm-generic/resource.h'],
	efd => ['EFD_\w+', 'linux/eventfd.h'],
	epoll => ['EPOLL_CTL_\w+', 'linux/eventpoll.h'],
	poll => ['POLL[A-Z]+', 'asm-generic/poll.h'],
	seek => ['SEEK_\w+', 'linux/fs.h'],
	lock => ['LOCK_\w+', 'asm-generic/fcntl.h'],
	random => ['GRND_\w+', 'linux/random.h'],
	errno => ['E[A-Z0-9]+', 'asm-generic/errno-base.h', 'asm-generic/errno.h'],
	tty => ['T[CI][A-Z0-9]+|FION\w+|FIO[A-Z]+', 'asm-generic/ioctls.h'],
);

# What no header of the kernel's has, or not as a plain number.
my %EXTRA = (
	open => { 0 => 'O_RDONLY', 02000000 => 'O_CLOEXEC' },
	access => { 0 => 'F_OK', 1 => 'X_OK', 2 => 'W_OK', 4 => 'R_OK' },
	prot => { 0 => 'PROT_NONE' },
	epoll => { 1 => 'EPOLL_CTL_ADD', 2 => 'EPOLL_CTL_DEL', 3 => 'EPOLL_CTL_MOD' },
	efd => { 1 => 'EFD_SEMAPHORE', 04000 => 'EFD_NONBLOCK', 02000000 => 'EFD_CLOEXEC' },
);

sub set
{
	my ($set) = @_;

	return { %{constants(@{$SETS{$set}})}, %{$EXTRA{$set} // {}} };
}

sub one_of
{
	my ($set, $value) = @_;

	return set($set)->{$value} // $value;
}

# The name of the low bits that are no flag of their own (an access mode, a kind), then the flags.
sub flags
{
	my ($set, $value, $kind) = @_;
	my $named = set($set);
	my @out;

	if ($kind) {
		push @out, $named->{$value & $kind} // sprintf('%#x', $value & $kind);
		$value &= ~$kind;
	}
	# several bits before one: O_SYNC holds O_DSYNC
	my @found;
	for my $bits (sort { $b <=> $a } grep { $_ && !($kind && $_ <= $kind) } keys %$named) {
		next if ($value & $bits) != $bits;
		unshift @found, $named->{$bits};
		$value &= ~$bits;
	}
	push @out, @found;
	push @out, sprintf('%#x', $value) if $value;
	return @out ? join('|', @out) : $named->{0} // '0';
}

# KVM's ioctls are macros: by type and number.
sub ioctl_name
{
	my ($value) = @_;

	if (($value >> 8 & 0xff) == 0xae) {
		my $kvm = $names{kvm} //= do {
			my %found;
			open(my $in, '<', "$include/linux/kvm.h");
			while ($in && ($_ = <$in>)) {
				next unless /^#define\s+(KVM_\w+)\s+_IO[WR]*\(KVMIO,\s*0x([0-9a-f]+)/;
				my ($name, $number) = ($1, hex $2);
				# others, for the most part other architectures', have the same numbers
				$found{$number} //= $name unless $name =~ /^KVM_(PPC_|S390_|X86_|RISCV_|[GS]ET_PIT2|ARM_SET_DEVICE_ADDR)/;
			}
			\%found;
		};
		return $kvm->{$value & 0xff} // sprintf('%#x', $value);
	}
	return set('tty')->{$value} // sprintf('%#x', $value);
}

# ---- memory --------------------------------------------------------------------------------------

use constant SHOWN => 32;	# bytes of a string or buffer

sub quoted
{
	my ($bytes, $more) = @_;
	my $cut = length($bytes) > SHOWN;
	my %escape = ("\n" => '\n', "\t" => '\t', "\r" => '\r', "\e" => '\e', '"' => '\"', '\\' => '\\\\');

	$bytes = substr($bytes, 0, SHOWN);
	$bytes =~ s{(["\\\x00-\x1f\x7f-\xff])}{$escape{$1} // sprintf('\\%o', ord $1)}ge;
	return qq{"$bytes"} . ($cut || $more ? '...' : '');
}

sub string
{
	my ($bytes) = @_;

	return quoted($bytes =~ /^(.*?)\0/s ? ($1) : ($bytes, 1));
}

# Numbers of a template, or nothing where there are not bytes enough for all.
sub fields
{
	my ($template, $bytes) = @_;
	my @all = unpack($template, $bytes);

	return @all == grep({ defined } @all) && length(pack($template, @all)) <= length($bytes) ? @all : ();
}

sub mask
{
	my ($bytes) = @_;
	my ($bits) = fields('Q<', $bytes) or return;

	my $most = unpack('%32b*', $bytes) > 32;	# all but some
	$bits = ~$bits if $most;
	return ($most ? '~' : '') . '[' .
		join(' ', map { one_of('signal', $_) =~ s/^SIG//r } grep { $bits >> ($_ - 1) & 1 } 1 .. 64) . ']';
}

# Bytes in words, by the struct's name in the table; undef: too few of them.
my %STRUCTS = (
	timespec => sub { my @f = fields('q<2', $_[0]) or return; "{$f[0], $f[1]}" },
	itimerspec => sub { my @f = fields('q<4', $_[0]) or return; "{{$f[0], $f[1]}, {$f[2], $f[3]}}" },
	rlimit => sub { my @f = fields('q<2', $_[0]) or return; '{' . join(', ', map { $_ < 0 ? 'RLIM_INFINITY' : $_ } @f) . '}' },
	pair => sub { my @f = fields('l<2', $_[0]) or return; "[$f[0], $f[1]]" },
	int => sub { my @f = fields('l<', $_[0]) or return; "[$f[0]]" },
	mask => \&mask,
	sigaction => sub {
		my ($handler, $flags, undef, undef) = fields('Q<4', $_[0]) or return;
		my $name = $handler == 0 ? 'SIG_DFL' : $handler == 1 ? 'SIG_IGN' : sprintf('%#x', $handler);
		return "{$name, " . flags('sa', $flags) . ', ' . mask(substr($_[0], 24, 8)) . '}';
	},
	stat => sub {
		my @f = fields('Q<2 L<8 q<', $_[0]) or return;
		return sprintf('{st_mode=%#o, st_size=%d}', $f[2], $f[10]);
	},
	wait => sub {
		my ($status) = fields('L<', $_[0]) or return;
		return '[exit ' . ($status >> 8 & 0xff) . ']' unless $status & 0x7f;
		return '[stopped by ' . one_of('signal', $status >> 8 & 0xff) . ']' if ($status & 0xff) == 0x7f;
		return '[' . one_of('signal', $status & 0x7f) . ']';
	},
	utsname => sub { '{' . string($_[0]) . ', ...}' },
	pollfd => sub {
		my @f = fields('l<s<s<', $_[0]) or return;
		return "[{$f[0], " . flags('poll', $f[1]) . ($f[2] ? ' -> ' . flags('poll', $f[2]) : '') . '}, ...]';
	},
	event => sub { my @f = fields('L< x4 Q<', $_[0]) or return; '{' . flags('poll', $f[0]) . sprintf(', %#x}', $f[1]) },
	sockaddr => sub {
		my ($family) = fields('S<', $_[0]) or return;
		return "{family $family}" if $family != 1;
		return '{AF_UNIX, ' . string(substr($_[0], 2) =~ s/^\0/@/r) . '}';
	},
);

# ---- one call ------------------------------------------------------------------------------------

sub signed { return unpack('q', pack('Q', $_[0])) }
sub int32 { return unpack('l', pack('L', $_[0] & 0xffffffff)) }

# An array of pointers: what stands in the elements that were told.
sub elements
{
	my ($call, $at) = @_;
	my @out;

	for (my $n = 0; defined(my $bytes = $call->{into}{"$at.$n"} // $call->{from}{"$at.$n"}); $n++) {
		push @out, $bytes;
	}
	return @out;
}

# The buffers of an iovec, each as long as its element says.
sub vector
{
	my ($call, $at) = @_;
	my @lengths = unpack('(x8Q<)*', $call->{from}{$at} // '');

	return '[' . join(', ', map { quoted(substr($_, 0, $lengths[0]), shift(@lengths) > length) } elements($call, $at)) . ']';
}

# Argument $at of a call, as the table's word for it says.
my %KINDS = (
	int => sub { int32($_[2]) },
	size => sub { signed($_[2]) },
	hex => sub { sprintf('%#x', $_[2]) },
	mode => sub { sprintf('%#o', $_[2] & 0xffffffff) },
	dir => sub { int32($_[2]) == -100 ? 'AT_FDCWD' : int32($_[2]) },
	sig => sub { one_of('signal', $_[2]) },
	ioctl => sub { ioctl_name($_[2] & 0xffffffff) },
	open => sub { flags('open', $_[2], 3) },
	map => sub { flags('map', $_[2], 3) },
	futexop => sub { flags('futex', $_[2] & 0xffffffff, 0x7f) },
	cloneflags => sub { flags('clone', $_[2] & ~0xff) . ($_[2] & 0xff ? '|' . one_of('signal', $_[2] & 0xff) : '') },
	path => sub { my ($call, $at) = @_; defined $call->{from}{$at} ? string($call->{from}{$at}) : undef },
	name => sub { my ($call, $at) = @_; defined $call->{into}{$at} ? string($call->{into}{$at}) : undef },
	ifname => sub { my ($call, $at) = @_; $call->{x}[0] == 15 ? string($call->{from}{$at} // '') : undef },	# PR_SET_NAME
	argv => sub { my ($call, $at) = @_; '[' . join(', ', map { string($_) } elements($call, $at)) . ']' },
	iov => sub { vector(@_) },
	# what goes out is as long as the next argument says, what comes in as the result does
	give => sub {
		my ($call, $at) = @_;
		my ($bytes, $size) = ($call->{from}{$at}, $call->{x}[$at + 1]);
		return defined $bytes ? quoted(substr($bytes, 0, $size), $size > length $bytes) : undef;
	},
	take => sub {
		my ($call, $at) = @_;
		my ($bytes, $size) = ($call->{into}{$at} // $call->{from}{$at}, $call->{result} // -1);
		return defined $bytes && $size >= 0 ? quoted(substr($bytes, 0, $size), $size > length $bytes) : undef;
	},
);

sub argument
{
	my ($call, $at, $kind) = @_;
	my $value = $call->{x}[$at];
	my $text;

	if (my $function = $KINDS{$kind}) {
		$text = $function->($call, $at, $value);
	} elsif ($kind =~ /^=(\w+)/) {
		$text = one_of($1, $value & 0xffffffff);
	} elsif ($kind =~ /^\|(\w+)/) {
		$text = flags($1, $value & 0xffffffff);
	} elsif ($kind =~ /^([<>])(\w+)/) {	# a struct that the call reads; one that it fills in
		my $bytes = $1 eq '<' ? $call->{from}{$at} : $call->{into}{$at} // $call->{from}{$at};
		my $filled = $1 eq '<' || ($call->{result} // -1) >= 0;
		$text = $STRUCTS{$2}->($bytes) if $value && defined $bytes && $filled;
	}
	return $text // ($value ? sprintf('%#x', $value) : 'NULL');
}

sub result
{
	my ($call, $kind) = @_;
	my $value = $call->{result};

	return '?' if !defined $value;
	return '? (to be restarted)' if $value <= -512 && $value >= -516;
	return '-1 ' . one_of('errno', -$value) if $value < 0 && $value >= -4095;
	return $kind eq 'hex' ? sprintf('%#x', $value) : $value;
}

sub in_words
{
	my ($call) = @_;
	my $name = $number[$call->{number}] // "syscall_$call->{number}";
	my ($returns, @kinds) = @{$table{$name} // ['int', ('hex') x 6]};
	my $who = $call->{tid} == $call->{pid} ? $call->{pid} : "$call->{pid}/$call->{tid}";

	return "[$who $call->{program}] $name(" . join(', ', map { argument($call, $_, $kinds[$_]) } 0 .. $#kinds) .
		') = ' . result($call, $returns);
}

# ---- the lines -----------------------------------------------------------------------------------

# One line of the kernel's; what is to be printed, or nothing.
sub take
{
	my ($line) = @_;
	my ($what, $tid, $rest) = $line =~ /^(call|from|into|done) (\d+) (.*)$/s or return;

	if ($what eq 'call') {
		my ($pid, $number, @rest) = split / /, $rest, 9;
		my $call = $open{$tid} = { tid => $tid, pid => $pid, number => $number, program => pop @rest,
			x => [map { hex } @rest], from => {}, into => {} };
		return unless ($number[$number] // '') =~ /^(exit|exit_group|rt_sigreturn)$/;
		return in_words(delete $open{$tid});
	}
	my $call = $open{$tid} or return;
	if ($what eq 'done') {
		$call->{result} = (split / /, $rest)[1];
		return in_words(delete $open{$tid});
	}
	my ($where, $bytes) = split / /, $rest;
	$call->{$what}{$where} = pack('H*', $bytes);
	return;
}

# What had not ended when the machine did.
sub rest { return map { in_words($open{$_}) } sort { $a <=> $b } keys %open }

# The kernel's headers are under this directory.
sub setup
{
	($include) = @_;
	open(my $in, '<', "$include/asm-generic/unistd.h") or die "$include/asm-generic/unistd.h: $!\n";
	while (<$in>) {
		$number[$2] //= $1 =~ s/^fstatat$/newfstatat/r if /^#define __NR(?:3264)?_(\w+)\s+(\d+)/ && $1 ne 'syscalls';
	}
	while (<DATA>) {
		my ($name, @words) = split;
		$table{$name} = \@words if $name && $name !~ /^#/;
	}
}

1;

__DATA__
# Name, what it returns, its arguments. WORD: %KINDS; =SET one of, |SET flags; <STRUCT it reads, >STRUCT it fills.
mmap hex hex hex |prot map int hex
munmap int hex hex
mprotect int hex hex |prot
mremap hex hex hex hex hex
madvise int hex hex =advice
brk hex hex
msync int hex hex hex
exit int int
exit_group int int
wait4 int int >wait |wait hex
waitid int int int hex |wait
set_tid_address int hex
set_robust_list int hex size
rseq int hex size hex hex
getpid int
getppid int
gettid int
getuid int
geteuid int
getgid int
getegid int
setuid int int
setgid int int
getpgid int int
setpgid int int int
getsid int int
setsid int
clone int cloneflags hex hex hex hex
clone3 int hex size
execve int path argv hex
execveat int dir path hex hex |at
rt_sigaction int sig <sigaction >sigaction size
rt_sigprocmask int =how <mask >mask size
rt_sigpending int >mask size
rt_sigsuspend int <mask size
rt_sigtimedwait int <mask hex <timespec size
rt_sigreturn int
sigaltstack int hex hex
kill int int sig
tkill int int sig
tgkill int int int sig
futex int hex futexop int <timespec hex hex
clock_gettime int =clock >timespec
clock_settime int =clock <timespec
clock_getres int =clock >timespec
clock_nanosleep int =clock hex <timespec hex
nanosleep int <timespec hex
gettimeofday int >timespec hex
settimeofday int <timespec hex
setitimer int int <itimerspec >itimerspec
getitimer int int >itimerspec
timer_create int =clock hex hex
timer_settime int int hex <itimerspec >itimerspec
timer_gettime int int >itimerspec
timer_getoverrun int int
timer_delete int int
times int hex
uname int >utsname
prctl int =prctl ifname hex hex hex
getrandom int take size |random
prlimit64 int int =rlimit <rlimit >rlimit
getrlimit int =rlimit >rlimit
setrlimit int =rlimit <rlimit
getrusage int int hex
sysinfo int hex
sched_yield int
sched_setaffinity int int size <mask
sched_getaffinity int int size hex
umask int mode
reboot int hex hex hex
read int int take size
write int int give size
readv int int iov int
writev int int iov int
pread64 int int take size size
pwrite64 int int give size size
preadv int int iov int size
pwritev int int iov int size
lseek int int size =seek
close int int
dup int int
dup3 int int int open
fcntl int int =fcntl hex
ioctl int int ioctl hex
fstat int int >stat
fsync int int
fdatasync int int
sync int
sendfile int int int hex size
flock int int |lock
openat int dir path open mode
newfstatat int dir path >stat |at
statx int dir path |at hex hex
faccessat int dir path |access
faccessat2 int dir path |access |at
readlinkat int dir path name size
mkdirat int dir path mode
unlinkat int dir path |at
linkat int dir path dir path |at
symlinkat int path dir path
renameat int dir path dir path
renameat2 int dir path dir path hex
mknodat int dir path mode hex
fchmod int int mode
fchmodat int dir path mode
fchownat int dir path int int |at
utimensat int dir path hex |at
truncate int path size
ftruncate int int size
fallocate int int hex size size
statfs int path hex
getcwd int name size
chdir int path
fchdir int int
chroot int path
getdents64 int int hex size
mount int path path path hex hex
umount2 int path hex
pipe2 int >pair open
eventfd2 int int |efd
timerfd_create int =clock hex
timerfd_settime int int hex <itimerspec >itimerspec
timerfd_gettime int int >itimerspec
memfd_create int path hex
socket int int hex int
socketpair int int hex int >pair
bind int int <sockaddr size
listen int int int
accept int int >sockaddr >int
accept4 int int >sockaddr >int hex
connect int int <sockaddr size
getsockname int int >sockaddr >int
getpeername int int >sockaddr >int
sendto int int give size hex <sockaddr size
recvfrom int int take size hex hex hex
shutdown int int int
ppoll int >pollfd int <timespec <mask size
epoll_create1 int hex
epoll_ctl int int =epoll int <event
epoll_pwait int int >event int int <mask size
