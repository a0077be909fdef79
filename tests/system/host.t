#!/usr/bin/expect -f
# SPDX-License-Identifier: BSD-2-Clause
#
# `make run SHELL_ON=host` as a person has it: Debian's busybox as the host's shell on Stet's console, with
# job control, pipes and scripts, guests started, listed and ended by hand, reboot and poweroff.

log_user [info exists env(VERBOSE)]
set top [file normalize [file dirname [info script]]/../..]
if {![file exists $top/build/stet]} { puts "1..0 # SKIP no kernel"; exit 0 }
cd $top
set timeout [expr {[info exists env(TIMEOUT)] ? $env(TIMEOUT) : 120}]
set env(SHELL_ON) host
set env(DISK) [exec mktemp]
exec truncate -s 1M $env(DISK)
log_file -a $env(DISK).log
set tests 0
set failures 0
fconfigure stdout -buffering line
set stet_run "stet run --kernel /guest/Image --initrd /guest/initrd --memory 256 --cmdline quiet"

proc finish {} {
	global tests failures env
	log_file
	file delete $env(DISK) $env(DISK).log
	puts "1..$tests"
	catch { close }
	exit [expr {$failures != 0}]
}

proc ok {condition name} {
	global tests failures
	incr tests
	if {!$condition} { incr failures }
	puts "[expr {$condition ? {} : {not }}]ok $tests - $name"
}

# Wait for the pattern; a test of its own that it comes. What follows would make no sense without it.
proc comes {pattern name} {
	global env
	expect {
		-re $pattern { ok 1 $name; return }
		timeout { set why "time-out" }
		eof { set why "end of file" }
	}
	ok 0 $name
	puts "# $why waiting for: $pattern"
	puts "# seen: [string map {\n "\n# " \r {} \x1b ESC} [exec tail -c 800 $env(DISK).log]]"
	finish
}

# The shell asks where the cursor is behind its prompt; an answer would be typed text.
set prompt {stet:~# \x1b\[6n$}

# Type a line; the pattern must come before the next prompt. What the shell echoes has no line's end before it.
proc types {line pattern name} {
	global prompt
	send "$line\r"
	comes "\\n(\[^#\]*)$pattern.*$prompt" $name
}

# The same for a line whose output does not matter.
proc command {line} {
	global prompt env
	send "$line\r"
	expect {
		-re "\\n.*$prompt" {}
		timeout { ok 0 "time-out after $line"; finish }
		eof { ok 0 "end of file after $line"; finish }
	}
}

spawn -noecho tools/run
comes $prompt "a shell on the host"

# ---- the shell
types "seq 100 | grep 1 | wc -l | tr -d ' '" {20\r} "a pipe of four"
types "echo 'for i in 1 2 3; do echo line-\$i; done' >s; sh s | tail -n 1" {line-3\r} "a script"
types "tty; ps | grep -c '\[i\]nit'" {/dev/ttyAMA0\r\n1\r} "its terminal and the first program"
send "sleep 1000\r"
sleep 1
send "\032"
comes "\\\[1\\\]\\+ +Stopped.*$prompt" "Ctrl-Z stops a program"
types "bg; jobs" {\[1\]\+ +Running} "it goes on in the background"
send "fg\r"
comes {sleep 1000} "and in the foreground"
sleep 1
send "\003"
comes "\\^C.*$prompt" "Ctrl-C ends it"
types "jobs; echo status-\$?" {status-0} "no job is left"
types "sleep 1000 | cat & sleep 1; kill %1; wait; jobs; echo none" {none} "kill ends a job of two"
command "echo 'trap \"stty size\" WINCH; stty rows 33 cols 99; true' >s"
types "sh s" {33 99\r} "a new window size is told by SIGWINCH"
types "dmesg | grep -c '^init: /sbin/init'" {1\r} "dmesg has the kernel's log"
types "cat nosuch" {No such file} "an error"
types "cat /proc/stet/machine | wc -l" {[0-9]+\r} "/proc/stet/machine"

# ---- guests
command "$stet_run --name one >one.log 2>&1 &"
command "$stet_run --name two >two.log 2>&1 &"
command "while ! stet list | grep -q two; do sleep 1; done"
types "stet list" {NAME +PID +CPUS +MEMORY\r\none +[0-9]+ +1 +256M\r\ntwo +[0-9]+ +1 +256M\r} "two guests in the list"
types "$stet_run --name two; echo status-\$?" {a guest named two is running\r\nstatus-1\r} "a name that is taken"
command "until grep -q '~#' one.log && grep -q '~#' two.log; do sleep 1; done"
ok 1 "both come to their shells"
types "stet stat two --interval 2 --count 1" {VM [0-9]+ \(two\), 1 vCPU, [0-9.]+ s\r\nexits +count .*\nall +[0-9]+ .*\nvCPU .*\n0 +[0-9]+ } "stet stat tells of one"
types "stet stat --count 1 | grep -c '^VM'" {2\r} "and of all"
send "stet stat one\r"
comes {stet: counting until Ctrl-C, or until the guest ends\r\n$} "it says how it ends"
send "\003"
comes "VM \[0-9\]+ \\(one\\), 1 vCPU.*\nall .*$prompt" "and ends so, with the table"
types "stet stat nobody; echo status-\$?" {no guest named nobody is running\r\nstatus-1} "but of none that does not run"
send "stet top\r"
comes {stet top: 2 guests.*exits/s.*>[^\n]* one [^\n]*\n[^\n>]* two .*vCPU} "stet top shows both"
send "n"
comes {>[^\n]* two .*VM [0-9]+ \(two\)} "and either one in full"
send "q"
comes $prompt "q ends it"
types "stty -a | grep -c -- '-icanon\|-echo '" {0\r} "the terminal is as before"
types "stet top </dev/null; echo status-\$?" {top needs a terminal[^\n]*\nstatus-1} "which it needs"
types "stet stop one; echo status-\$?" {status-0} "stet stop ends one"
types "grep -c 'guest ended by stet stop' one.log" {1\r} "which says so"
types "stet list" {MEMORY\r\ntwo [^\r]*\r} "the other goes on"
types "stet stop one; echo status-\$?" {no guest named one is running\r\nstatus-1} "a guest that does not run cannot be stopped"
command "kill -9 \$(stet list | awk '/^two/ { print \$2 }'); sleep 1"
types "stet list | wc -l; ls /run/stet | wc -l" {1\r\n0\r} "a killed one is not listed and leaves no name"
send "stet stat -- [string range $stet_run 5 end] --name three --cpus 2 --console virtio\r"
comes {~# \x1b\[6n$} "a guest in the foreground has the terminal"
send "nproc; tty\r"
comes {\n2\r\n/dev/hvc0\r} "what is typed goes to it, here by its virtio console"
send "poweroff\r"
comes "VM \[0-9\]+ \\(three\\), 2 vCPUs.*\nhvc +.*\nvCPU .*\n1 +.*\nall .*$prompt" "its poweroff gives the host's shell back, and stet stat tells what it did"

# ---- the end
command "touch /tmp/left"
send "reboot\r"
comes {Requesting system reboot.*Stet .*stet:~# \x1b\[6n$} "reboot starts the machine again"
types "ls /tmp | wc -l" {0\r} "with memory as new"
send "poweroff\r"
expect {
	eof {}
	timeout { ok 0 "poweroff"; finish }
}
lassign [wait] pid id os_error status
ok [expr {$os_error == 0 && $status == 0}] "poweroff ends the machine with status 0"
finish
