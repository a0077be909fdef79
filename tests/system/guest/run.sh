# SPDX-License-Identifier: BSD-2-Clause
#
# What tests/system/guest.t runs in Debian's guest in place of a shell. /dev/vda holds 64 MiB the
# test knows, 16 MiB to write, and a sector that remembers whether the guest was here before. Each
# line of the result begins with "guest:".

MARK=80 # MiB from the start of the disk

hash() { dd if=/dev/vda bs=1M skip="$1" count="$2" 2>/dev/null | md5sum | cut -c 1-32; }
forget_the_cache() { sync; echo 3 >/proc/sys/vm/drop_caches; }

# Compute on one CPU, then name it: field 39 of stat is the CPU the process runs on.
worker()
{
	sum=0 i=0
	while [ $i -lt 3000 ]; do
		i=$((i + 1)) sum=$(((sum * 31 + i) & 65535))
	done
	read -r stat </proc/self/stat
	set -- ${stat##*) }
	echo "guest: cpu ${37} sum $sum"
}

if [ "$(dd if=/dev/vda bs=1M skip=$MARK count=1 2>/dev/null | head -c 5)" = again ]; then
	echo "guest: rebooted, $(nproc) CPUs"
	echo "guest: written then $(hash 64 16)"
	exit
fi
echo "guest: $(uname -s -m), $(nproc) CPUs, host $(hostname)"
echo "guest: disk $(cat /sys/block/vda/size) sectors, $(cat /sys/block/vda/serial)"
echo "guest: read $(hash 0 64)"
dd if=/dev/vda of=/dev/vda bs=1M skip=5 count=16 seek=64 conv=fsync 2>/dev/null
forget_the_cache
echo "guest: written $(hash 64 16)"
dd if=/dev/zero of=/dev/vdb bs=512 count=1 2>/dev/null || echo "guest: vdb cannot be written"
[ "$(dd if=/dev/hwrng bs=64 count=1 2>/dev/null | wc -c)" = 64 ] && echo "guest: entropy"
for cpu in 0 1; do
	(taskset -p $((1 << cpu)) "$(sh -c 'echo $PPID')" >/dev/null; worker) >/tmp/worker$cpu &
done
wait
cat /tmp/worker0 /tmp/worker1
echo again | dd of=/dev/vda bs=1M seek=$MARK conv=fsync,notrunc 2>/dev/null
echo "guest: reboots"
reboot -f
