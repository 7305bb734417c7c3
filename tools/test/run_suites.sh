#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs make targets one after the other, all of them whatever fails, and adds up their `N passed, N failed` lines:
# run_suites.sh BUILD TARGET... A target without such a line counts as one.
set -euo pipefail

build=$1
shift
mkdir -p "$build/test-logs"
passed=0 failed=0
started=$SECONDS
make --no-print-directory -j"$(nproc)" BUILD="$build" all

for target in "$@"; do
	log=$build/test-logs/$target.log
	began=$SECONDS
	status=0
	printf '== %s\n' "$target"
	make --no-print-directory -j"$(nproc)" BUILD="$build" "$target" 2>&1 | tee "$log" || status=$?
	sums=$(sed -nE 's/^(.*: )?([0-9]+) passed, ([0-9]+) failed.*$/\2 \3/p' "$log" |
		awk '{ p += $1; f += $2 } END { if (NR > 0) print p, f }')
	read -r ok bad <<<"${sums:-$((status == 0)) 0}"
	if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
		bad=1
	fi
	passed=$((passed + ok)) failed=$((failed + bad))
	printf '== %s: %s (%d s)\n' "$target" "$([ "$bad" -eq 0 ] && echo ok || echo "FAILED, see $log")" $((SECONDS - began))
done

printf 'in %d s; logs are in %s\n' $((SECONDS - started)) "$build/test-logs"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
