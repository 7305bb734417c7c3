#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The kernel saves no floating-point state of its own, so its objects may hold no floating-point instruction:
# check_kernel.sh CROSS_COMPILE OBJECT... fp.S.o files, which save and restore that of apps and guests, are left out.
set -euo pipefail

cross=$1
shift
objects=()
for object in "$@"; do
	case $object in */fp.S.o) ;; *) objects+=("$object") ;; esac
done
found=$("${cross}objdump" -d --no-show-raw-insn "${objects[@]}" | awk '
	/file format/ { file = $1 }
	/^[0-9a-f]+ </ { where = $2 }
	$2 ~ /^(c\.)?f(l|s)[wdh](sp)?$|^f[a-z]*\.[sd]|^fmv\./ { print file, where, $2 }')
if [ -n "$found" ]; then
	printf 'floating-point instructions in the kernel:\n%s\n' "$found" >&2
	exit 1
fi
