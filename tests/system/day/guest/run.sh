# SPDX-License-Identifier: BSD-2-Clause
#
# What tests/system/day.t runs in its Debian guests: each minute of the guest's a sum and the time, for as many minutes as the
# command line says; then the guest switches itself off.

minutes=0
for word in $(cat /proc/cmdline); do
	case $word in
	minutes=*) minutes=${word#minutes=} ;;
	esac
done
while [ $minutes -gt 0 ]; do
	minutes=$((minutes - 1))
	sleep 60
	echo "guest: $(seq 1 2000 | md5sum | cut -c 1-32) $(date +%s)"
done
