#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Attaches gdb to a Starina that runs, or waits for it (`./run.sh --gdb`), with the symbols of kernel and apps.
set -euo pipefail

# Standard streams that are closed would be taken for the first files that are opened: bash has this script itself for stderr then.
[[ -e /dev/fd/0 ]] || exec </dev/null
[[ -e /dev/fd/1 ]] || exec >/dev/null
[[ -e /dev/fd/2 && ! /dev/fd/2 -ef ${BASH_SOURCE[0]} ]] || exec 2>/dev/null

ROOT=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
BUILD=${BUILD:-$ROOT/build}
[[ $BUILD == /* ]] || BUILD=$PWD/$BUILD
ADDRESS_FILE=$BUILD/run/gdb.addr

usage() {
	cat <<-EOT
		usage: ./debug.sh [GDB ARGUMENTS...]

		In another terminal, first: ./run.sh --gdb
		Then here: break, continue, bt, and \`help starina\` for processes, threads, handles and channels.
		Example without a prompt: ./debug.sh -batch -ex 'starina threads' -ex detach

		Settings (environment):
		  BUILD   build directory, from the current folder (default: the tree's build)
		  GDB     the debugger (default: gdb-multiarch)
	EOT
}

fail() {
	printf 'debug: error: %s\n' "$1" >&2
	printf 'debug:        %s\n' "$2" >&2
	exit 1
}

main() {
	local gdb=${GDB:-gdb-multiarch} target
	if [[ ${1:-} == -h || ${1:-} == --help ]]; then
		usage
		return
	fi
	command -v "$gdb" >/dev/null || fail "there is no $gdb" "to install it, run: ./setup.sh"
	[[ -f $BUILD/starina.elf ]] || fail "there is no $BUILD/starina.elf" "to build it, run: make"
	[[ -s $ADDRESS_FILE ]] || fail "no Starina waits for a debugger ($ADDRESS_FILE is not there)" \
		"in another terminal, run: ./run.sh --gdb"
	target=$(<"$ADDRESS_FILE")
	# A run that was killed leaves the socket behind, with nobody that listens.
	if [[ $target == /* ]] && ! grep -q -F -- " $target" /proc/net/unix; then
		fail "the Starina that listened at $target is gone" "in another terminal, run: ./run.sh --gdb"
	fi
	export STARINA_ROOT=$ROOT
	exec "$gdb" -q -iex 'set auto-load safe-path /' -iex 'set pagination off' -ex 'set confirm off' \
		-ex "directory $ROOT" -ex "source $ROOT/tools/gdb/starina.py" -ex "target remote $target" \
		"$@" "$BUILD/starina.elf"
}

main "$@"
