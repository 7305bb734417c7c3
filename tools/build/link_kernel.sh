#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Links the kernel image: link_kernel.sh CROSS_COMPILE OUTPUT LDFLAG... -- OBJECT|ARCHIVE...
#
# Two passes, since the image carries its own symbol table for backtraces: the first link gives the addresses, the
# table is made of them (tools/build/symbols.sh), the second link has it at the end, where it moves nothing.
set -euo pipefail

cross=$1 output=$2
shift 2
flags=()
while [ "$1" != -- ]; do flags+=("$1"); shift; done
shift

if [ -x tools/build/symbols.sh ]; then
	tools/build/symbols.sh "$cross" "" "$output.symbols.o"
	"${cross}ld" "${flags[@]}" -o "$output.tmp" "$@" "$output.symbols.o"
	tools/build/symbols.sh "$cross" "$output.tmp" "$output.symbols.o"
	"${cross}ld" "${flags[@]}" -o "$output.tmp" "$@" "$output.symbols.o"
	rm -f "$output.symbols.o"
else
	"${cross}ld" "${flags[@]}" -o "$output.tmp" "$@"
fi

# The kernel saves no floating-point state of its own: none of its objects may touch it.
mv "$output.tmp" "$output"
