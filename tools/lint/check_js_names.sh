#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Names that are not defined or not used in the JavaScript of a folder with a tsconfig.json: check_js_names.sh TSC FOLDER. What else
# TypeScript says of code that has no types is passed over, and so are the runtime's own modules.
set -euo pipefail

status=0
said=$("$1" --project "$2") || status=$?
# Cannot find a name or module, a module has no such export, unused; 1xxx is syntax, 5xxx and 6053 what tsconfig.json says.
found=$(grep -E 'error TS(1[0-9]{3}|5[0-9]{3}|2300|2304|2305|2307|2448|2451|2503|2552|2614|2724|6053|6133|6138|6192|6196|6198):' <<<"$said" |
	grep -v "Cannot find module 'native:" || true)
if [ -n "$found" ]; then
	printf '%s\n' "$found" >&2
	exit 1
fi
# It fails without an error of the code: it did not run.
if [ "$status" -ne 0 ] && ! grep -q 'error TS' <<<"$said"; then
	printf '%s\n%s --project %s: status %d\n' "$said" "$1" "$2" "$status" >&2
	exit 1
fi
