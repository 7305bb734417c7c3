#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Makes the table of function names that kernel/debug/symbols.c reads: symbols.sh CROSS_COMPILE ELF OUTPUT.o
# ELF "" gives an empty table, for the first link.
set -euo pipefail

cross=$1 elf=$2 output=$3
source=${output%.o}.S

{
	echo '.section .symbols, "a"'
	if [ -n "$elf" ]; then
		# The assembler subtracts the addresses: awk has no 64-bit integers.
		LC_ALL=C "${cross}nm" --numeric-sort "$elf" | awk '
			$3 == "__text_start" { start = $1 }
			$3 == "__text_end" { past = 1 } # and read on: nm must not meet a closed pipe
			!past && $2 ~ /^[tT]$/ && $3 !~ /^([.$]|__.*_(start|end)$)/ && $1 != last {
				last = $1
				address[n] = $1
				name[n++] = $3
			}
			END {
				offset = 8 + 8 * n
				print ".long " n + 0 ", 0"
				for (i = 0; i < n; i++) {
					print ".long 0x" address[i] " - 0x" start ", " offset
					offset += length(name[i]) + 1
				}
				for (i = 0; i < n; i++)
					print ".asciz \"" name[i] "\""
			}'
	fi
} >"$source"
"${cross}gcc" -march=rv64gc -mabi=lp64d -c -o "$output" "$source"
rm -f "$source"
