#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs make targets, all of them whatever fails, and adds up their `N passed, N failed` lines: run_suites.sh BUILD TARGET...
# A target without such a line counts as one.
#
# What they need is built first. Then two run at a time (LANES), for much of what a test does is to wait; what a target says is
# shown when it has ended. They begin in the order that they have here: the longest should be the first.
set -euo pipefail

build=$1
shift
lanes=${LANES:-2}
logs=$build/test-logs
mkdir -p "$logs"
rm -f "$logs"/*.sums "$logs"/*.times
started=$SECONDS

run_suite() {
	local target=$1 began=$SECONDS status=0 log=$logs/$1.log sums ok bad cpu verdict=ok
	printf '== %s begins\n' "$target"
	make --no-print-directory -j"$(nproc)" BUILD="$build" "$target" >"$log" 2>&1 || status=$?
	sums=$(sed -nE 's/^([^[]*: )?([0-9]+) passed, ([0-9]+) failed.*$/\2 \3/p' "$log" |
		awk '{ p += $1; f += $2 } END { if (NR > 0) print p, f }')
	read -r ok bad <<<"${sums:-$((status == 0)) 0}"
	if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
		bad=1
	fi
	[ "$bad" -eq 0 ] || verdict="FAILED, see $log"
	echo "$ok $bad" >"$log.sums"
	times >"$log.times"
	cpu=$(tail -n 1 "$log.times" | awk -F '[ms ]+' '{ print int($1 * 60 + $2 + $3 * 60 + $4) }')
	# In one piece, though others end meanwhile.
	# shellcheck disable=SC2016
	flock "$logs" bash -c 'printf "== %s\n" "$1"; cat "$2"; printf "== %s: %s (%d s, %d s of CPU)\n" "$1" "$3" "$4" "$5"' \
		_ "$target" "$log" "$verdict" $((SECONDS - began)) "$cpu"
}

# None builds what another one does at the same time. What cannot be built fails the suite that needs it. Lint needs nothing.
mapfile -t needing < <(printf '%s\n' "$@" | grep -v '^lint')
make --no-print-directory -k -j"$(nproc)" BUILD="$build" FILES_ONLY="${needing[*]}" all "${needing[@]}" ||
	printf 'not all could be built; what needs it will fail\n'
printf '== all is built (%d s)\n' $((SECONDS - started))

export -f run_suite
export build logs
# shellcheck disable=SC2016
printf '%s\0' "$@" | xargs -0 -n 1 -P "$lanes" bash -c 'set -uo pipefail; run_suite "$1"' _ || true
sums=$(cat "$logs"/*.sums | awk '{ p += $1; f += $2 } END { print p + 0, f + 0, NR }')
read -r passed failed ended <<<"$sums"
if [ "$ended" -ne $# ]; then
	printf 'only %d of %d suites ended\n' "$ended" $# && failed=$((failed + 1))
fi

# Once more, as the last thing that is read.
(cd "$logs" && grep -HsE '^ *FAIL|: not so: ' "${@/%/.log}") | head -n 40 || true
printf 'in %d s; logs are in %s\n' $((SECONDS - started)) "$logs"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
