#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tests the tool: what fails whole, and a last line with the sums.
set -euo pipefail

status=0
output=$(node --test --test-reporter=tap ts/tool/*.test.mjs 2>&1) || status=$?
passed=$(sed -n 's/^# pass //p' <<<"$output")
failed=$(sed -n 's/^# fail //p' <<<"$output")
[ "$status" -eq 0 ] || printf '%s\n' "$output"
[ "${passed:-0}" -gt 0 ] || failed=1
printf 'ts: %d passed, %d failed\n' "${passed:-0}" "${failed:-1}"
exit "$status"
