#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tests of link_app.sh: what an app may not contain fails the build, and the message names it. Prints one line a test and
# `link_app_test: N passed, N failed`.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."

CROSS=${CROSS_COMPILE:-riscv64-linux-gnu-}
WORK=$(mktemp -d)
trap 'rm -rf -- "$WORK"' EXIT
passed=0 failed=0

# links TEXT: compiles C text and links it as the app "a"; status and output (in $WORK/out) are link_app.sh's.
links() {
	printf '%s\n' "$1" >"$WORK/a.c"
	"${CROSS}gcc" -O1 -march=rv64gc -mabi=lp64d -mcmodel=medany -mno-relax -ffreestanding -fno-pic -c \
		-o "$WORK/a.c.o" "$WORK/a.c"
	rm -f "$WORK/none.a" && "${CROSS}ar" crs "$WORK/none.a"
	tools/build/link_app.sh "$CROSS" a "$WORK/a.o" "$WORK/a.c.o" -- "$WORK/none.a" >"$WORK/out" 2>&1
}

accepts() {
	if links "$2"; then report ok "$1"; else report FAIL "$1"; fi
}

# refuses NAME TEXT PART: the message has PART.
refuses() {
	if ! links "$2" && grep -q -F -- "$3" "$WORK/out"; then report ok "$1"; else report FAIL "$1"; fi
}

report() {
	printf '%-4s %s\n' "$1" "$2"
	if [[ $1 == ok ]]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		sed 's/^/    /' "$WORK/out"
	fi
}

spec() {
	printf 'void f(void); void *const app_spec_a = f;'
}

accepts system_calls "long starina_syscall(long); $(spec) void f(void) { starina_syscall(1); }"
refuses kernel_function "void *kmalloc(long); $(spec) void f(void) { kmalloc(1); }" 'kmalloc'
refuses no_spec 'void f(void); void f(void) { }' 'app_spec_a'
for insn in 'csrrs a0, sstatus, zero' 'csrrw zero, satp, zero' 'sfence.vma' 'ecall' 'wfi' 'sret'; do
	refuses "instruction: $insn" "$(spec) void f(void) { asm volatile(\"$insn\" ::: \"a0\"); }" "${insn%% *}"
done
refuses 'instruction: hfence.gvma' "$(spec) void f(void) { asm volatile(\".option arch, +h\nhfence.gvma\"); }" 'hfence.gvma'
printf 'link_app_test: %d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
