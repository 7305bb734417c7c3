#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What the build and lint must refuse, and what they must let through: build_checks_test.sh BUILD. Prints one line a test and
# the closing line `build checks: N passed, N failed`.
set -euo pipefail

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
BUILD=$1
CROSS_COMPILE=${CROSS_COMPILE:-riscv64-linux-gnu-}
WORK=$(mktemp -d)
trap 'rm -rf -- "$WORK"' EXIT
APP_FLAGS=(-std=gnu11 -O2 -mabi=lp64d -mcmodel=medany -mno-relax -ffreestanding -fno-pic -ffunction-sections -I.)
passed=0 failed=0

result() {
	if [[ $1 == ok ]]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
	fi
	printf '  %-4s %s\n' "$1" "$2"
}

# refuses NAME TEXT... -- COMMAND...: COMMAND fails, and says each TEXT.
refuses() {
	local name=$1 texts=() text
	shift
	while [[ $1 != -- ]]; do texts+=("$1"); shift; done
	shift
	if "$@" >"$WORK/said" 2>&1; then
		result FAIL "$name: it passes"
		return
	fi
	for text in "${texts[@]}"; do
		if ! grep -qF -- "$text" "$WORK/said"; then
			result FAIL "$name: nothing about '$text', but: $(head -c 300 "$WORK/said")"
			return
		fi
	done
	result ok "$name"
}

# passes NAME COMMAND...
passes() {
	local name=$1
	shift
	if "$@" >"$WORK/said" 2>&1; then
		result ok "$name"
	else
		result FAIL "$name: $(head -c 300 "$WORK/said")"
	fi
}

compile() {
	"${CROSS_COMPILE}gcc" "${APP_FLAGS[@]}" -march=rv64gc -c -o "$WORK/$1.o" -x c -
}

# The app `probe`: $1 in its main, $2 before that.
make_app() {
	compile probe <<-END
		#include "libs/abi/app.h"
		${2:-}
		static void probe_main(const struct environ *env)
		{
			(void)env;
			$1
		}
		APP(probe, .main = probe_main);
	END
}

link_probe() {
	tools/build/link_app.sh "$CROSS_COMPILE" probe "$WORK/probe.out" "$WORK/probe.o" \
		-- "$BUILD/libs/starina.a" "$BUILD/libs/base.a"
}

# --- What an app refers to ---

make_app 'kmalloc(16);' 'void *kmalloc(size_t);'
refuses "an app that calls the kernel's allocator" apps/probe kmalloc libs/starina app.mk -- link_probe
make_app 'num_harts++; page_alloc();' 'extern int num_harts; void page_alloc(void);'
refuses "an app with two references names both" apps/probe num_harts page_alloc -- link_probe
make_app 'app_spec_echo();' 'void app_spec_echo(void);'
refuses "an app that refers to another app" apps/probe app_spec_echo -- link_probe
make_app 'thread_yield();' 'int thread_yield(void);'
passes "an app that makes a system call" link_probe
if [[ $("${CROSS_COMPILE}nm" -g --defined-only --format=just-symbols "$WORK/probe.out") == app_spec_probe ]]; then
	result ok "only its spec is global"
else
	result FAIL "an app's other symbols are global"
fi
compile probe <<<'void probe_main(void); void probe_main(void) {}'
refuses "an app without a spec" apps/probe "app_spec_probe" "APP(probe, ...)" -- link_probe
compile probe <<<'const int app_spec_other = 1;'
refuses "an app with the spec of another name" apps/probe "app_spec_probe" -- link_probe

# --- Instructions ---

# What an app with the assembler line $1 is refused for: $2.
refuses_instruction() {
	make_app "__asm__ volatile(\".option push\\n.option arch, +h, +svinval\\n$1\\n.option pop\");"
	refuses "an app with $1" "apps/probe: contains a privileged instruction: $2 in <probe_main>" -- link_probe
}

for instruction in ecall sret mret wfi fence.i sfence.vma "sfence.vma a0, a1" hfence.vvma "hfence.gvma a0, a1" \
	"sinval.vma a0, a1" "hinval.gvma a0, a1" sfence.w.inval "hlv.w a0, (a1)" "hsv.d a0, (a1)" "hlvx.hu a0, (a1)"; do
	refuses_instruction "$instruction" "${instruction%% *}"
done
refuses_instruction "csrr a0, sstatus" csrrs
refuses_instruction "csrr a0, satp" csrrs
refuses_instruction "csrw sstatus, a0" csrrw
refuses_instruction "csrs sie, a1" csrrs
refuses_instruction "csrsi sstatus, 2" csrrsi
refuses_instruction "csrc sip, a0" csrrc
refuses_instruction "csrw cycle, a0" csrrw
# Of an extension that neither the assembler nor objdump was told of: hfence.vvma, and one with a register.
refuses_instruction ".option arch, rv64gc\n.word 0x22000073" 0x22000073
refuses_instruction ".option arch, rv64gc\n.insn 0x16b500f3" 0x16b500f3

for instruction in "rdcycle a0" "rdtime a0" "rdinstret a0" "csrr a0, time" "fence" "fence rw, w" "frcsr a0" "fsrm a0" \
	"fadd.d fa0, fa0, fa1" "lr.w a0, (a1)" "ebreak"; do
	make_app "__asm__ volatile(\"$instruction\");"
	passes "an app with $instruction" link_probe
done

make_app '__asm__ volatile("sret");'
PRIVILEGED=yes passes "an app that is declared to have privileged instructions" link_probe
refuses "one of these in the kernel" apps/adversary "APP_adversary_ONLY := user" -- \
	make -n BUILD="$WORK/build" APP_adversary_ONLY=kernel help

# --- The kernel ---

compile kernel <<<'double half(double x); double half(double x) { return x / 2; }'
refuses "a kernel object that computes with floating point" "floating-point" kernel.o half -- \
	tools/build/check_kernel.sh "$CROSS_COMPILE" "$WORK/kernel.o"
for instruction in "fld fa0, 0(a0)" "fsw fa0, 0(a0)" "fmv.x.d a0, fa0" "fcvt.d.w fa0, a0" "fmadd.s fa0, fa1, fa2, fa3" \
	"feq.d a0, fa0, fa1" "fsd fs0, 8(sp)"; do
	compile kernel <<<"void half(void); void half(void) { __asm__ volatile(\"$instruction\"); }"
	refuses "a kernel object with $instruction" "floating-point" half -- \
		tools/build/check_kernel.sh "$CROSS_COMPILE" "$WORK/kernel.o"
done
compile kernel <<<'long half(long x); long half(long x) { __asm__ volatile("fence; fence.i"); return x / 2; }'
passes "a kernel object with integers" tools/build/check_kernel.sh "$CROSS_COMPILE" "$WORK/kernel.o"

# --- Headers ---

messages() {
	printf '#define TABLE_MESSAGES(X) \\\n'
	printf '\tX(M%s, m%s, %s, 0, NONE) \\\n' "$1" "$1" "$1"
	printf '\tX(M%s, m%s, %s, 0, UTF8)\n' "$2" "$2" "$2"
}
messages 100 105 >"$WORK/first.h"
messages 105 110 >"$WORK/overlaps.h"
messages 106 106 >"$WORK/twice.h"
messages 106 110 >"$WORK/second.h"
printf '#define MSG_SINGLE 103\n' >"$WORK/single.h"
passes "message numbers of their own" tools/lint/check_messages.py "$WORK/first.h" "$WORK/second.h"
refuses "a message number of two services" first.h overlaps.h 105 -- \
	tools/lint/check_messages.py "$WORK/first.h" "$WORK/overlaps.h"
refuses "a message number twice in a header" twice.h "used twice" -- tools/lint/check_messages.py "$WORK/twice.h"
refuses "a message number without a row" single.h MSG_SINGLE -- \
	tools/lint/check_messages.py "$WORK/single.h" "$WORK/first.h"
sed 's/, UTF8)/, LATIN1)/' "$WORK/first.h" >"$WORK/latin.h"
refuses "a tail of no known kind" latin.h LATIN1 -- tools/lint/check_messages.py "$WORK/latin.h"
sed 's/, UTF8)/)/' "$WORK/first.h" >"$WORK/tailless.h"
refuses "a row without a tail" tailless.h M105 -- tools/lint/check_messages.py "$WORK/tailless.h"
sed 's/105, 0/0x69, 0/' "$WORK/first.h" >"$WORK/hex.h"
refuses "a row that is not understood" hex.h "a row is not" -- tools/lint/check_messages.py "$WORK/hex.h"

printf '#pragma once\n// Opens it.\nint door_open(void);\n' >"$WORK/told.h"
printf '#pragma once\n// Opens it.\nint door_open(void);\n\nint door_shut(int a,\n              int b);\n' >"$WORK/untold.h"
passes "prototypes with comments" tools/lint/check_prototypes.py "$WORK/told.h"
refuses "a prototype without a comment" untold.h:5 door_shut -- \
	tools/lint/check_prototypes.py "$WORK/told.h" "$WORK/untold.h"

# --- Layers ---

# layers NAME FILE HEADER: a tree in which FILE includes HEADER.
layers() {
	mkdir -p "$WORK/$1"/{tools/lint,boot,guest,kernel/{arch,debug,mm,object,sched,startup},libs/{base,starina,virtio,http,linux/vm,linux/api},apps/{echo,httpd}}
	cp tools/lint/layers.txt "$WORK/$1/tools/lint/"
	touch "$WORK/$1/$3"
	printf '#include "%s"\n' "$3" >"$WORK/$1/$2"
}
layers down apps/echo/main.c libs/starina/loop.h
layers up libs/starina/loop.c libs/virtio/queue.h
layers beside libs/virtio/queue.c libs/http/server.h
layers inside libs/linux/vm/vm.c libs/linux/api/task.h
layers kernel kernel/object/poll.c libs/starina/loop.h
layers startup kernel/object/poll.c kernel/startup/services.h
layers group kernel/object/poll.c kernel/sched/sched.h
layers callback kernel/arch/trap.c kernel/object/poll.h
layers machine kernel/arch/trap.h kernel/object/poll.h
layers lock kernel/mm/page.c kernel/sched/spinlock.h
layers memory kernel/mm/page.c kernel/sched/sched.h
layers app apps/echo/main.c apps/httpd/httpd.h
layers own apps/echo/main.c apps/echo/echo.h
passes "includes down the layers" tools/lint/check_layers.py "$WORK/down"
passes "an include within a group of folders" tools/lint/check_layers.py "$WORK/group"
refuses "an include upward within the kernel" "kernel/startup is above kernel/object" -- \
	tools/lint/check_layers.py "$WORK/startup"
passes "a file behind a header of the machine" tools/lint/check_layers.py "$WORK/callback"
refuses "a header of the machine that knows objects" "kernel/object is above kernel/arch" -- \
	tools/lint/check_layers.py "$WORK/machine"
passes "a file with a layer of its own" tools/lint/check_layers.py "$WORK/lock"
refuses "its neighbour in the folder" "kernel/sched is above kernel/mm" -- tools/lint/check_layers.py "$WORK/memory"
passes "an app's own header" tools/lint/check_layers.py "$WORK/own"
refuses "an include upward" loop.c:1 "libs/virtio is above libs/starina" -- tools/lint/check_layers.py "$WORK/up"
refuses "an include of a neighbour" "do not know each other" -- tools/lint/check_layers.py "$WORK/beside"
refuses "an include upward within libs/linux" "libs/linux/api is above libs/linux/vm" -- \
	tools/lint/check_layers.py "$WORK/inside"
refuses "a kernel file with a header of the SDK" "includes nothing of libs/starina" -- \
	tools/lint/check_layers.py "$WORK/kernel"
refuses "an app with a header of another" "another app's" -- tools/lint/check_layers.py "$WORK/app"

# --- Layout ---

printf '// %0100d\n' 1 >"$WORK/long.c"
printf '// Short.\n' >"$WORK/short.c"
passes "a comment of a line" tools/lint/check_format.sh 0 "$WORK/short.c"
refuses "a comment of more than 100 columns" long.c:1 "100 columns" -- tools/lint/check_format.sh 0 "$WORK/long.c"
if clang-format --version | grep -q ' version 14\.'; then
	printf 'int  two_blanks;\n' >"$WORK/layout.c"
	refuses "a file that is laid out otherwise" layout.c:1 "make format" -- \
		tools/lint/check_format.sh 14 "$WORK/layout.c"
fi

# --- Names in JavaScript ---

# names FOLDER TEXT: a folder as apps/js/lib, with one file.
names() {
	mkdir "$WORK/$1"
	cp apps/js/lib/tsconfig.json "$WORK/$1"
	printf '%s\n' "$2" >"$WORK/$1/names.js"
}
names good 'import { now } from "native:clock"; export const later = () => now() + 1;'
names undefined 'export const later = () => now() + 1;'
names unused 'import { now } from "native:clock"; export const later = 1;'
if [[ -e third_party/web/tsc ]]; then
	passes "names that are defined and used" tools/lint/check_js_names.sh third_party/web/tsc "$WORK/good"
	refuses "a name that is not defined" "names.js(1,28)" "'now'" -- tools/lint/check_js_names.sh third_party/web/tsc "$WORK/undefined"
	refuses "a name that is not used" "names.js(1,10)" "'now'" -- tools/lint/check_js_names.sh third_party/web/tsc "$WORK/unused"
fi

# --- Listings ---

printf '// SPDX\n//\n// Says hello.\nint hello;\n' >"$WORK/hello.c"
# document LISTING: a page that shows hello.c.
document() {
	printf '[the app](hello.c), whole:\n\n%sc\n%s\n%s\n' '```' "$1" '```'
}
document 'int hello;' >"$WORK/same.md"
document 'int hallo;' >"$WORK/other.md"
passes "a listing that is the file" tools/lint/check_listings.py "$WORK/same.md"
refuses "a listing that is not the file" other.md hello.c -- tools/lint/check_listings.py "$WORK/other.md"

# --- clang-tidy's cache ---

mkdir -p "$WORK"/tidy/{part/header,header}
printf '#define SET 1\n' >"$WORK/tidy/header/set.h"
printf '#include "header/set.h"\nint get(void);\nint get(void)\n{\n\tint set;\n\n\tif (SET)\n\t\tset = 1;\n\treturn set;\n}\n' \
	>"$WORK/tidy/part/get.c"
cp .clang-tidy "$WORK/tidy/"
# tidy: looks at the file by its folder's own .clang-tidy and an own cache.
tidy() {
	(cd "$WORK/tidy" && STARINA_CACHE="$WORK/tidy/cache" "$OLDPWD/tools/lint/tidy.py" -I. part/get.c)
}
passes "a file without fault" tidy
printf '#define SET 0\n' >"$WORK/tidy/part/header/set.h"
refuses "a fault by a new header in an old one's place" get.c "garbage value" -- tidy

# --- SPECIFICATION.md ---

# specification NAME ROW: a SPECIFICATION.md of one promise.
specification() {
	printf '| Promise | Enforced by |\n| --- | --- |\n%s\n' "$2" >"$WORK/$1.md"
}
CHANNEL_TEST="\`kernel/object/channel_test.c\`: a_full_channel_refuses_and_tells_of_room"
specification good "| 128 messages (\`CHANNEL_MAX_QUEUED\`) | $CHANNEL_TEST |"
specification value "| 127 messages (\`CHANNEL_MAX_QUEUED\`) | $CHANNEL_TEST |"
specification gone "| It works | $CHANNEL_TEST; \`kernel/object/channel_test.c\`: no such test |"
specification ceiling "| A call takes at most 61 | \`tools/bench/counts.json\`: null_call |"
specification empty "| It works | |"
passes "a specification with its test" tools/lint/check_specification.py "$WORK/good.md"
refuses "a specification with another value" value.md:3 "CHANNEL_MAX_QUEUED is 128" -- \
	tools/lint/check_specification.py "$WORK/value.md"
refuses "a specification whose test is gone" gone.md:3 "no such test" -- tools/lint/check_specification.py "$WORK/gone.md"
refuses "a specification with another ceiling" ceiling.md:3 "null_call is 60" -- \
	tools/lint/check_specification.py "$WORK/ceiling.md"
refuses "a specification without a test" empty.md:3 "last cell" -- tools/lint/check_specification.py "$WORK/empty.md"

echo "build checks: $passed passed, $failed failed"
[[ $failed -eq 0 ]]
