#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Runs in the machine, by busybox's shell: each line of /lines.txt in a directory of its own.
# Prints "@N" before, "= STATUS NAMES..." behind its output.

/bin/busybox mkdir -p /tmp /sbin
/bin/busybox --install -s /bin
[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd	# as every Linux userland has it
export PATH=/bin HOME=/tmp
n=0
while read -r line <&7; do
	n=$((n + 1))
	case $line in
	''|'#'*) continue ;;
	esac
	mkdir -p /tmp/line.d
	cd /tmp/line.d
	echo "@$n"
	printf '%s\n' "$line" >/tmp/line
	timeout -s KILL 60 sh /tmp/line </dev/null 7<&- 2>&1
	status=$?
	cd /tmp/line.d
	echo "= $status" *
	cd /
	chmod -R u+rwx /tmp/line.d
	rm -rf /tmp/line.d
done 7</lines.txt
echo "@end"
