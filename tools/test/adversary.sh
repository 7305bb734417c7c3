#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The tests of apps/adversary_test on 4 harts: adversary.sh IMAGE [ARGUMENT of run_autotest.py...]. NM: the tool that reads the
# image's symbols, some of whose addresses the adversary is told. ONLY: runs the tests whose names begin so.
set -euo pipefail

image=$1
shift
append=${ONLY:+" adversary_test.only=\"$ONLY\""}
for symbol in __boot_stack_bottom harts syscall_table; do
	address=$("${NM:-riscv64-linux-gnu-nm}" "$image" | awk -v symbol="$symbol" '$3 == symbol { print $1 }')
	[ -n "$address" ] || { printf '%s: there is no symbol %s\n' "$image" "$symbol" >&2; exit 1; }
	name=${symbol#__}
	append+=" adversary_test.${name%_bottom}=0x$address"
done
exec tools/test/run_autotest.py --smp 4 --quick --append "${append# }" "$image" "$@"
