#!/usr/bin/expect -f
# SPDX-License-Identifier: BSD-2-Clause
#
# `make run` as a person has it: a shell in a terminal, in which the machine is started, used and
# left in every way there is. Job control works in the guest, the disk keeps what was written, and
# the terminal's settings are afterwards what they were before.
#
# KERNEL=linux runs the same VMM and guest on Debian's KVM.

log_user [info exists env(VERBOSE)]
set top [file normalize [file dirname [info script]]/../..]
if {![info exists env(KERNEL)]} {
	set env(KERNEL) [expr {[file exists $top/build/stet] ? "stet" : "linux"}]
}
set kernel $env(KERNEL)
set timeout [expr {[info exists env(TIMEOUT)] ? $env(TIMEOUT) : 120}]
set env(DISK) [exec mktemp]
exec truncate -s 1M $env(DISK)
log_file -a $env(DISK).log
set env(PS1) "HOST> "
set env(GUEST_CMDLINE) "quiet"
set tests 0
set failures 0
fconfigure stdout -buffering line

proc ok {condition name} {
	global tests failures kernel
	incr tests
	if {!$condition} { incr failures }
	puts "[expr {$condition ? {} : {not }}]ok $tests - $kernel: $name"
}

# Wait for the pattern; a test of its own that it comes.
proc comes {pattern name} {
	global env
	expect {
		-re $pattern { ok 1 $name; return 1 }
		timeout { set why "time-out" }
		eof { set why "end of file" }
	}
	ok 0 $name
	puts "# $why waiting for: $pattern"
	puts "# seen: [string map {\n "\n# " \r {} \x1b ESC} [exec tail -c 800 $env(DISK).log]]"
	return 0
}

# Wait for a prompt without making a test of it.
proc wait_for {pattern} {
	expect {
		-re $pattern {}
		timeout { ok 0 "(waiting for '$pattern')"; finish }
		eof { ok 0 "(waiting for '$pattern': end of file)"; finish }
	}
}

proc finish {} {
	global tests failures env host_pid
	log_file
	file delete $env(DISK) $env(DISK).log $env(DISK).hangs
	puts "1..$tests"
	catch { exec kill -HUP $host_pid }
	exit [expr {$failures != 0}]
}

# The settings of the terminal, by the shell outside the machine.
proc settings {} {
	send "stty -g; echo status-\$?\r"
	expect -re {([0-9a-f:]{40,})[\r\n]+status-0[\r\n]}
	set result $expect_out(1,string)
	wait_for {HOST> $}
	return $result
}

proc child_of {pid} {
	return [lindex [exec cat /proc/$pid/task/$pid/children] 0]
}

proc start {{variables ""}} {
	send "$variables tools/run\r"
	if {![comes {Ctrl-A x ends it} "the escape key is named"]} finish
	if {![comes {/?~# \x1b\[6n$} "a guest shell"]} finish
	# The shell asks where the cursor is; an answer would be typed text to the tests
}

# Type a command in the guest and wait for its prompt.
proc guest {command} {
	send "$command\r"
	wait_for {# \x1b\[6n$}
}

set host_pid [spawn -noecho bash --norc --noprofile -i]
set host_id $spawn_id
wait_for {HOST> $}
send "cd $top\r"
wait_for {HOST> $}
send "bind 'set enable-bracketed-paste off'\r"
wait_for {HOST> $}
set before [settings]

# ---- the guest's shell
start
send "nproc; uname -sm\r"
comes {\n2\r\nLinux aarch64} "two CPUs"
wait_for {# \x1b\[6n$}
send "sleep 100\r"
sleep 1
send "\003"
comes {\^C[^#]*# \x1b\[6n$} "Ctrl-C ends a program in the guest and not the VMM"
guest "echo recall-\$((40 + 2))"
send "\x1b\[A"
send "\r"
comes {recall-42} "arrow-up recalls"
wait_for {# \x1b\[6n$}
send "sleep 1000\r"
sleep 1
send "\032"
comes {\[1\]\+ +Stopped} "Ctrl-Z stops"
wait_for {# \x1b\[6n$}
send "bg\r"
comes {\[1\].*sleep 1000} "bg"
wait_for {# \x1b\[6n$}
send "jobs\r"
comes {\[1\].*Running} "a job runs in the background"
wait_for {# \x1b\[6n$}
send "fg\r"
sleep 1
send "\003"
comes {\^C[^#]*# \x1b\[6n$} "fg, and Ctrl-C"
guest "echo written-by-the-guest | dd of=/dev/vda conv=fsync"
send "poweroff\r"
comes {exits +[0-9]+} "a table of exits"
wait_for {HOST> $}
send "echo status-\$?\r"
comes {status-0} "status 0"
wait_for {HOST> $}
ok [string equal $before [settings]] "the terminal's settings after poweroff"

# ---- the disk, and a machine that is killed
start
send "head -c 20 /dev/vda; echo\r"
comes {\nwritten-by-the-guest} "the disk has what the guest wrote the last time"
wait_for {# \x1b\[6n$}
exec kill -KILL [child_of [child_of $host_pid]]
wait_for {HOST> $}
ok [string equal $before [settings]] "the terminal's settings after QEMU was killed"

# ---- other machines
start "CPUS=4 MEM=1024 GUEST_CPUS=3 GUEST_MEM=256 GUEST_CMDLINE='quiet sparrow=7'\
	GUEST_KERNEL=build/sysroot/boot/vmlinuz GUEST_INITRD=build/guest-initrd.cpio"
send "nproc; grep -c sparrow=7 /proc/cmdline; free -m | head -n 2\r"
comes {\n3\r\n1\r\n[^\n]*\nMem: +(1[5-9]|2[0-5])[0-9] } "as many CPUs, as much memory and the words asked for"
wait_for {# \x1b\[6n$}
if {$kernel eq "stet"} {
	ok [regexp {cpus: 4, } [exec cat $env(DISK).log]] "the machine has the CPUs asked for"
	ok [regexp {memory: 9[0-9][0-9] MiB} [exec cat $env(DISK).log]] "and the memory"
}
send "poweroff\r"
wait_for {HOST> $}

# ---- the escape key, in a guest that hangs: an arm64 Image whose first instruction branches to itself
set image [open $env(DISK).hangs wb]
puts -nonewline $image [binary format iiwwwwwwa4i 0x14000000 0 0 0x10000 0 0 0 0 "ARM\x64" 0]
close $image
send "GUEST_KERNEL=$env(DISK).hangs tools/run\r"
comes {Ctrl-A x ends it} "a guest that hangs is started"
send "\001x"
comes {HOST> $} "Ctrl-A x leaves"
ok [string equal $before [settings]] "the terminal's settings after Ctrl-A x"

# ---- the terminal goes: a window that is closed, a connection that is cut. The hang-up's signal reaches
# make alone, which waits for the rest.
set lone [spawn make -s -C $top run]
set lone_id $spawn_id
expect -re {# \x1b\[6n$}
set machine [child_of [child_of $lone]]
close -i $lone_id
wait -nowait -i $lone_id
set spawn_id $host_id
set tries 0
while {[file exists /proc/$machine] && $tries < 50} { after 200; incr tries }
ok [expr {![file exists /proc/$machine]}] "no QEMU is left when the terminal goes"

# ---- bad arguments
send "CPUS=none tools/run\r"
comes {run: CPUS=none: not a number} "a bad number is named"
wait_for {HOST> $}
send "GUEST_KERNEL=/nosuch tools/run; echo status-\$?\r"
comes {run: GUEST_KERNEL=/nosuch: no such file\r\nstatus-1} "a missing kernel is named"
wait_for {HOST> $}
send "GUEST_INITRD=/nosuch tools/run; echo status-\$?\r"
comes {run: GUEST_INITRD=/nosuch: no such file\r\nstatus-1} "a missing initramfs is named"
wait_for {HOST> $}
send "GUEST_KERNEL=tools/run tools/run; echo status-\$?\r"
comes {stet: [^\r\n]*Image[^\r\n]*\r\n(.*)status-1\r} "a kernel that is no Image"
wait_for {HOST> $}
send "DISK=/nosuch/disk tools/run; echo status-\$?\r"
comes {\n *run: DISK=/nosuch/disk: no such file, and none can be made there\r\nstatus-1} "a disk that cannot be made is named"
wait_for {HOST> $}
send "DISK=/ tools/run; echo status-\$?\r"
comes {run: DISK=/: no file that can be written\r\nstatus-1} "a disk that is none"
wait_for {HOST> $}
ok [string equal $before [settings]] "the terminal's settings after bad arguments"

# ---- the debugger, without colours
if {$kernel ne "stet"} finish
send "TERM=dumb tools/run --gdb\r"
comes {image_start \(\) at kernel/boot/head\.S:[0-9]+\r\n[^(]*\(gdb\) $} "the debugger stops at the first instruction"
send "break boot_main\r"
wait_for {\(gdb\) $}
send "continue\r"
comes {boot_main \(fdt=[^(]*\(gdb\) $} "and at a function, with the MMU on"
send "kill\r"
wait_for {\(gdb\) $}
send "quit\r"
comes {HOST> $} "the debugger ends"
ok [string equal $before [settings]] "the terminal's settings after the debugger"
finish
