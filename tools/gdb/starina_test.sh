#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tests of debug.sh and of the GDB commands, on a mock of the kernel's memory built from the kernel's own headers: when a
# field that the commands read is renamed, this fails. Prints the closing line `starina_test: N passed, N failed`.
set -euo pipefail

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
WORK=$(mktemp -d)
trap 'rm -rf -- "$WORK"' EXIT
passed=0 failed=0

# expect NAME FILE PATTERN...: each pattern is in a line of FILE.
expect() {
	local name=$1 file=$2 pattern
	shift 2
	for pattern in "$@"; do
		if ! grep -qE -- "$pattern" "$file"; then
			failed=$((failed + 1))
			printf 'FAIL %s: wanted %s in:\n' "$name" "$pattern"
			sed 's/^/    | /' "$file"
			return
		fi
	done
	passed=$((passed + 1))
	printf 'ok   %s\n' "$name"
}

# Runs gdb commands on the mock; output to $WORK/out.
mock() {
	local command commands=()
	for command in "$@"; do
		commands+=(-ex "$command")
	done
	STARINA_ROOT=$PWD gdb-multiarch -q -nx -batch -ex 'set confirm off' -ex 'set debuginfod enabled off' \
		-ex 'source tools/gdb/starina.py' -ex 'break ready' -ex run "${commands[@]}" "$WORK/mock" >"$WORK/out" 2>&1 || true
}

# Runs debug.sh, which must fail, with the given settings; output to $WORK/out.
debug_fails() {
	if env BUILD="$WORK/build" "$@" ./debug.sh >"$WORK/out" 2>&1; then
		echo 'debug.sh succeeded' >"$WORK/out"
	fi
}

cc -std=gnu11 -g -I. -o "$WORK/mock" tools/gdb/mock_kernel.c

mock 'starina processes'
expect processes "$WORK/out" '^ +1  echo +running +0 +1 +4321 +0$' '^ +2  echo_client +running +0 +2 '
mock 'starina handles echo'
expect handles_by_name "$WORK/out" \
	'^ +0x30001  channel +0x[0-9a-f]+  refs 1  read write  peer held by echo_client:0x30002, 1 queued$'
mock 'starina handles 2'
expect handles_by_id "$WORK/out" '0x30002  channel .* read transfer  peer held by echo:0x30001' '0x30005  event .* poll$'
mock 'starina channels'
expect channels "$WORK/out" '  open, held by echo:0x30001; 1 queued for it$' "data \(4\), 5 bytes, 0 handles: b'hello'" \
	'  closed, held by echo_client:0x30002; 0 queued for it$'
mock 'starina harts'
expect harts "$WORK/out" '^ +hart 0  echo_client, thread 7; 0 waiting, 12 switches'
mock 'starina handles nobody'
expect unknown_process "$WORK/out" "no process 'nobody'; see: starina processes"

mkdir "$WORK/apps"
for app in wall door; do
	cc -g -c -o "$WORK/apps/$app.elf" -x c - <<<"int build_$app(void) { return 1; }"
done
mock 'starina symbols wall' 'info line build_wall' 'info line build_door'
expect symbols_of_an_app "$WORK/out" '^  symbols of .*/apps/wall.elf$' '^Line 1 .*build_wall' 'Function "build_door" not defined'
mock 'starina symbols wall' 'starina symbols door' 'info line build_wall' 'info line build_door'
expect symbols_of_one_app_at_a_time "$WORK/out" '^Line 1 .*build_door' 'Function "build_wall" not defined'
mock 'starina symbols echo'
expect symbols_of_an_app_in_the_kernel "$WORK/out" 'echo runs in the kernel'
mock 'starina symbols wal'
expect symbols_of_an_unknown_app "$WORK/out" "there is no app 'wal'; in user mode: wall, door"
rm "$WORK/apps/door.elf"
mock 'starina symbols door'
expect symbols_that_were_not_built "$WORK/out" 'there is no .*/apps/door.elf; to build it, run: make'

debug_fails
expect debug_without_build "$WORK/out" 'there is no .*/starina.elf' 'run: make'
mkdir -p "$WORK/build/run" && : >"$WORK/build/starina.elf"
debug_fails
expect debug_without_machine "$WORK/out" 'no Starina waits for a debugger' './run.sh --gdb'
echo "$WORK/gone.sock" >"$WORK/build/run/gdb.addr"
debug_fails
expect debug_after_machine_ended "$WORK/out" 'gone.sock is gone'
debug_fails GDB=no-such-gdb
expect debug_without_gdb "$WORK/out" 'there is no no-such-gdb' './setup.sh'

echo "starina_test: $passed passed, $failed failed"
((failed == 0))
