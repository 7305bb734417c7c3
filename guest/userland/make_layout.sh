#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The built-in Linux userland, what commands run in: busybox, its applets' links and the few files that programs expect, as an
# OCI image layout. make_layout.sh BUSYBOX LAYOUT. The same busybox gives the same bytes.
set -euo pipefail

busybox=$1
layout=$2
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
root=$(mktemp -d)
trap 'rm -rf -- "$root"' EXIT

# As Debian has it: one directory of programs, the others are links to it.
mkdir -p -- "$root"/{usr/bin,usr/share/doc,etc,dev,proc,sys,run,root,home,var/tmp,var/log,tmp}
for name in bin sbin; do
	ln -s usr/bin "$root/$name"
done
ln -s bin "$root/usr/sbin"
install -m 755 -- "$busybox" "$root/usr/bin/busybox"
install -m 644 -- "$(dirname -- "$busybox")/COPYRIGHT" "$root/usr/share/doc/busybox"
while read -r applet; do
	ln -s busybox "$root/usr/bin/$applet"
done <"$here/applets.txt"
printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'nobody:x:65534:65534:nobody:/nonexistent:/bin/false' >"$root/etc/passwd"
printf '%s\n' 'root:x:0:' 'tty:x:5:' 'nogroup:x:65534:' >"$root/etc/group"
find "$root" -type d -exec chmod 755 {} +
chmod 700 "$root/root"
chmod 1777 "$root/tmp" "$root/var/tmp"
chmod 644 "$root"/etc/*

"$here/../../tools/image/mklayout.sh" "$root" "$layout" '["/bin/sh"]' \
	'["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]'
