#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs the host tests: run_host_tests.sh BUILD "TEST..." "FUZZER=N..." FUZZ_RUNS. Of a fuzzer it runs the inputs that are
# kept in FUZZER.corpus/, and FUZZ_RUNS/N new ones. Prints what fails whole, and a last line with the sums.
set -euo pipefail

build=$1 tests=$2 fuzzers=$3 runs=$4
passed=0 failed=0
output=$(mktemp)
trap 'rm -f "$output"' EXIT

for test in $tests; do
	status=0
	CMOCKA_MESSAGE_OUTPUT=subunit "$build/host-tests/$test" >"$output" 2>&1 || status=$?
	ok=$(grep -c '^success: ' "$output" || true)
	bad=$(grep -cE '^(failure|error): ' "$output" || true)
	if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ] || [ $((ok + bad)) -eq 0 ]; then
		bad=$((bad + 1)) # it died, or ran nothing
	fi
	if [ "$bad" -gt 0 ]; then
		printf 'FAIL %s (status %s)\n' "$test" "$status"
		cat "$output"
	else
		printf 'ok   %s (%s)\n' "$test" "$ok"
	fi
	passed=$((passed + ok)) failed=$((failed + bad))
done
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

shopt -s nullglob
for entry in $fuzzers; do
	fuzzer=${entry%=*} number=$((runs / ${entry#*=}))
	kept=("$fuzzer.corpus"/*)
	if fuzz "$fuzzer" "$number" "${kept[@]}" >"$output" 2>&1; then
		printf 'ok   %s (%s runs, %s kept)\n' "$fuzzer" "$number" "${#kept[@]}"
		passed=$((passed + 1))
	else
		printf 'FAIL %s\n' "$fuzzer"
		cat "$output"
		failed=$((failed + 1))
	fi
done
printf 'host tests: %d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
