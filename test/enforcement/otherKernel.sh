#!/bin/sh
# The init of a kernel in user mode, whose files are this machine's, read-only: runs a program and ends.
# The words of the kernel's command line that it does not know come as variables: WEIR_NODE, WEIR_PROGRAM.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs tmp /mnt
mkdir /mnt/lib
ln -s /usr/lib/uml/modules /mnt/lib/modules
for module in ifb veth sch_htb sch_ingress cls_u32 act_mirred sch_fq_codel; do modprobe -d /mnt "$module"; done
"$WEIR_NODE" "$WEIR_PROGRAM" 2>&1
echo o >/proc/sysrq-trigger
sleep 60
