#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Runs in the machine, by busybox's shell: /host.sh CIRCLES, of two hours each. What it says to day.t begins with "@day".

CIRCLE=7200
/bin/busybox mkdir -p /bin /sbin /tmp
/bin/busybox --install -s /bin
export PATH=/bin
good=$(seq 1 2000 | md5sum | cut -c 1-32)

up() { read -r up idle </proc/uptime; echo "${up%.*}"; }
wait_until() { now=$(up); [ "$now" -ge "$1" ] || sleep $(($1 - now)); }
interrupts() { awk '/^ *[0-9]+:/ { n += $2 + $3 } END { print n }' /proc/interrupts; }
kib() { sed -n "s/^$1: *\\([0-9]*\\).*/\\1/p" /proc/meminfo; }

# What there is of everything; how many interrupts come in ten minutes.
state()
{
	before=$(interrupts)
	sleep 600
	quiet=$(($(interrupts) - before))
	threads=$(cat /proc/[0-9]*/status 2>/dev/null | awk '/^Threads:/ { n += $2 } END { print n }')
	files=$(ls /proc/[0-9]*/fd | grep -c '^[0-9]')
	echo "@day $* up $(up) free $(kib MemFree) slab $(kib Slab) threads $threads files $files" \
		"vms $(ls /proc/stet/vm | wc -l) interrupts $quiet"
}

# NAME MINUTES. Its output may be emptied while it runs.
start()
{
	: >"/$1.log"
	stet run --kernel /guest/Image --initrd /guest/initrd --cpus 2 --memory 192M --name "$1" \
		--cmdline "quiet minutes=$2" </dev/null >>"/$1.log" 2>&1 &
}

# NAME LEAST: were its sums right, at least so many, and was its clock ours when it last wrote?
look()
{
	last=$(sed -n 's/^guest: [0-9a-f]* \([0-9]*\).*/\1/p' "/$1.log" | tail -n 1)
	grep -v "^guest: $good \|reboot: Power down" "/$1.log" >/tmp/others
	echo "@day guest $1 sums $(grep -c "^guest: $good " "/$1.log") of $2" \
		"others $(grep -c . /tmp/others) clock $((${last:-0} - $(stat -c %Y "/$1.log")))"
	sed 's/^/# /' /tmp/others
	rm /tmp/others
	: >"/$1.log"
}

kills()
{
	if /tests/kvm/killstorm 20 "$1" >/tmp/kills; then
		echo "@day kills $1 ok"
	else
		echo "@day kills $1 failed"
		sed 's/^/# /' /tmp/kills
	fi
	rm /tmp/kills
}

# N, from second FROM on: wren is killed in the middle, robin ends by itself.
circle()
{
	start wren 100
	wren=$!
	start robin 30
	robin=$!
	wait_until $(($2 + 300))
	kills $(($1 * 10 + 1))
	wait_until $(($2 + 900))
	awk -v n="$1" 'NR % 4 == n % 4 { print; next } { print "" }' /applets.txt >/lines.txt
	sh /lines.sh
	wait_until $(($2 + 1500))
	kills $(($1 * 10 + 2))
	wait_until $(($2 + 2400))
	wait $robin
	echo "@day ended robin $?"
	kill -9 $wren
	wait $wren 2>/dev/null
	echo "@day ended wren $?"
	look wren 36
	look robin 30
	rm /wren.log /robin.log /lines.txt
	wait_until $(($2 + 3600))
	kills $(($1 * 10 + 3))
	wait_until $(($2 + 5400))
	kills $(($1 * 10 + 4))
	look owl "$3"
}

# The kernel keeps the stacks of 256 threads that have ended: now it has them.
for i in $(seq 300); do sleep 5 & done
wait
state start
begun=$(up) date=$(date +%s)
start owl 100000
owl=$!
n=0
while [ $n -lt "$1" ]; do
	from=$((begun + n * CIRCLE))
	circle $n $from $([ $n -gt 0 ] && echo 115 || echo 85)
	wait_until $((from + CIRCLE - 660))
	state circle $n
	wait_until $((from + CIRCLE))
	n=$((n + 1))
done
kill -9 $owl
wait $owl 2>/dev/null
rm /owl.log
state end
echo "@day clock $(($(date +%s) - date - $(up) + begun))"
