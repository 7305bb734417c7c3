#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Links one app: link_app.sh CROSS_COMPILE NAME OUTPUT OBJECT... -- ARCHIVE...
#
# The result is one relocatable object in which only app_spec_NAME is global, and whose sections are named
# .app.NAME.* so that boot/kernel.ld can put each app's text, data and bss into regions of its own. What may not be
# in an app fails the build here: a reference to anything but the system call entry, and privileged instructions. With
# PRIVILEGED=yes in the environment these are let through: the app is one that is to fault by them, in user mode.
set -euo pipefail

cross=$1 name=$2 output=$3
shift 3
objects=() archives=()
while [ "$1" != -- ]; do objects+=("$1"); shift; done
shift
archives=("$@")

fail() {
	printf 'apps/%s: %s\n' "$name" "$1" >&2
	exit 1
}

"${cross}nm" --defined-only --format=just-symbols "${objects[@]}" | grep -x "app_spec_$name" >/dev/null ||
	fail "defines no app_spec_$name: end its main.c with APP($name, ...)"

script=$output.ld
cat >"$script" <<END
SECTIONS {
	.app.$name.text : { *(.text .text.*) }
	.app.$name.rodata : { *(.rodata .rodata.* .srodata .srodata.*) }
	.app.$name.data : { *(.data .data.* .sdata .sdata.*) }
	.app.$name.bss : { *(.bss .bss.* .sbss .sbss.* COMMON) }
}
END
"${cross}ld" -r --gc-sections -u "app_spec_$name" -z noexecstack -T "$script" -o "$output.tmp" "${objects[@]}" \
	--start-group "${archives[@]}" --end-group || fail "the link failed"

undefined=$("${cross}nm" --undefined-only --format=just-symbols "$output.tmp" | grep -vx starina_syscall || true)
[ -z "$undefined" ] || fail "refers to what is neither its own, nor in its libraries, nor a system call: ${undefined//$'\n'/ }
  An app reaches the kernel through libs/starina only; libraries are declared in apps/$name/app.mk."

# CSR accesses (but for the floating-point ones, and reads of the counters, which user mode has too), SBI calls, fences of
# translations, hypervisor and trap-return instructions are the kernel's. Of an extension that objdump was not told of, it shows
# the number: nothing of the opcode SYSTEM is let through then.
privileged='^(csr[a-z]*|ecall|[smu]ret|wfi|fence\\.i|([shv]?fence|s?inval|hinval)\\.[a-z.]*vma|hl[vx][a-z.]*|hsv[a-z.]*|sfence.*)$'
found=
[ "${PRIVILEGED:-}" = yes ] || found=$("${cross}objdump" -d --no-show-raw-insn -M no-aliases "$output.tmp" | awk -v pattern="$privileged" '
	/^[0-9a-f]+ </ { where = $2 }
	$2 == "csrrs" && $3 ~ /,(cycle|time|instret),zero$/ { next }
	$2 ~ /^\.(4byte|word|insn)$/ && /[7f]3$/ { print $NF, "in", where; exit }
	$2 ~ pattern && $3 !~ /,(fcsr|frm|fflags),/ { print $2, "in", where; exit }')
[ -z "$found" ] || fail "contains a privileged instruction: $found"

"${cross}objcopy" --keep-global-symbol="app_spec_$name" "$output.tmp" "$output"
rm -f "$output.tmp" "$script"
