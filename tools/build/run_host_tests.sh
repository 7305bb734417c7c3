#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs the host tests, one a core at a time: run_host_tests.sh BUILD "TEST..." "FUZZER=N..." FUZZ_RUNS. Of a fuzzer it
# runs the inputs that are kept in FUZZER.corpus/, and FUZZ_RUNS/N new ones. Prints what fails whole, and a last line with
# the sums.
set -euo pipefail

build=$1 tests=$2 fuzzers=$3 runs=$4
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

# result PASSED FAILED LINE OUTPUT: what a test says, with its seconds of CPU, in one piece, for several run at a time.
result() {
	local text
	times >"$4.times"
	text="$3, $(tail -n 1 "$4.times" | awk -F '[ms ]+' '{ printf "%.1f", $1 * 60 + $2 + $3 * 60 + $4 }') s"
	if [ "$2" -gt 0 ]; then
		text+=$'\n'$(cat "$4")
	fi
	printf '%s\n' "$text"
	echo "$1 $2" >"$4.sums"
}

run_test() {
	local test=$1 output=$results/${1//\//.} status=0 ok bad
	CMOCKA_MESSAGE_OUTPUT=subunit "$build/host-tests/$test" >"$output" 2>&1 || status=$?
	ok=$(grep -c '^success: ' "$output" || true)
	bad=$(grep -cE '^(failure|error): ' "$output" || true)
	if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ] || [ $((ok + bad)) -eq 0 ]; then
		bad=$((bad + 1)) # it died, or ran nothing
	fi
	if [ "$bad" -gt 0 ]; then
		result "$ok" "$bad" "FAIL $test (status $status)" "$output"
	else
		result "$ok" 0 "ok   $test ($ok)" "$output"
	fi
}

# fuzz FUZZER RUNS INPUT...: the inputs that found something once (FUZZER.corpus/), then new ones.
fuzz() {
	local fuzzer=$1 program=$build/host-tests/$1 number=$2 dictionary=()
	shift 2
	if [ $# -gt 0 ]; then
		"$program" "$@" || return
	fi
	if [ -f "$fuzzer.dict" ]; then
		dictionary=(-dict="$fuzzer.dict")
	fi
	"$program" -runs="$number" -seed=1 -artifact_prefix="$build/host-tests/" "${dictionary[@]}"
}

run_fuzzer() {
	local fuzzer=${1%=*} number=$((runs / ${1#*=})) output=$results/${1//\//.} kept
	kept=("$fuzzer.corpus"/*)
	if fuzz "$fuzzer" "$number" "${kept[@]}" >"$output" 2>&1; then
		result 1 0 "ok   $fuzzer ($number runs, ${#kept[@]} kept)" "$output"
	else
		result 0 1 "FAIL $fuzzer" "$output"
	fi
}

run_one() {
	case $1 in
	*=*) run_fuzzer "$1" ;;
	*) run_test "$1" ;;
	esac
}

export -f result run_test fuzz run_fuzzer run_one
export build runs results
# What takes longest comes first, so that no core waits for it at the end: the fuzzers.
# shellcheck disable=SC2016,SC2086
printf '%s\0' $fuzzers $tests | xargs -0 -n 1 -P "$(nproc)" bash -c 'set -uo pipefail; shopt -s nullglob; run_one "$1"' _
wanted=$(wc -w <<<"$fuzzers $tests")
sums=$(cat "$results"/*.sums | awk '{ p += $1; f += $2 } END { print p + 0, f + 0, NR }')
read -r passed failed ended <<<"$sums"
if [ "$ended" -ne "$wanted" ]; then
	echo "only $ended of $wanted programs ended" && failed=$((failed + 1))
fi
printf 'host tests: %d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
