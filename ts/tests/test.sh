#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test.sh BUILD: tests of the libraries in TypeScript, under node; a last line with the sums.
set -euo pipefail

mkdir -p "$1/ts-tests"
natives=()
while read -r name; do
	natives+=("--alias:$name=./ts/tests/native_fake.cjs")
done < <(sed -nE 's/.* from "(native:[a-z]+)";/\1/p' apps/js/lib/*.js | sort -u)
third_party/web/esbuild ts/tests/*_test.mjs --bundle --platform=node --format=esm --log-level=warning \
	--alias:starina=./ts/tests/starina_fake.mjs "${natives[@]}" \
	--outdir="$1/ts-tests" --out-extension:.js=.mjs
status=0
output=$(node --test --test-reporter=tap "$1"/ts-tests/*.mjs 2>&1) || status=$?
passed=$(sed -n 's/^# pass //p' <<<"$output")
failed=$(sed -n 's/^# fail //p' <<<"$output")
[ "$status" -eq 0 ] || printf '%s\n' "$output"
[ "${passed:-0}" -gt 0 ] || failed=1
printf 'ts-virtio: %d passed, %d failed\n' "${passed:-0}" "${failed:-1}"
exit "$status"
