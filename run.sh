#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds Starina and runs it in QEMU, with a Linux container in it: ./run.sh --help says how.
set -euo pipefail

# Paths that the user gives are relative to where the user is, so this script stays there.
STARINA_ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
STARINA_BUILD=${BUILD:-build}
[[ $STARINA_BUILD == /* ]] || STARINA_BUILD=$STARINA_ROOT/$STARINA_BUILD
export STARINA_ROOT STARINA_BUILD

# Help needs nothing to be set up. Behind other words it may be the container's.
if [[ ${1:-} == --help || ($# == 1 && $1 == -h) ]]; then
	exec cat -- "$STARINA_ROOT/tools/run/usage.txt"
fi

# stdout is the container's: whatever else there is to say goes to stderr.
if [[ -z ${STARINA_NO_BUILD:-} ]]; then
	"$STARINA_ROOT/setup.sh" --for run >&2 || exit 125
	make --directory="$STARINA_ROOT" --no-print-directory --silent -j"$(nproc)" BUILD="$STARINA_BUILD" \
		run-files >&2 </dev/null || {
		echo "run.sh: the build failed; the lines above say why" >&2
		exit 125
	}
fi
if [[ ! -x $STARINA_BUILD/host/starina-run ]]; then
	echo "run.sh: there is no build in $STARINA_BUILD; run it without STARINA_NO_BUILD" >&2
	exit 125
fi
exec "$STARINA_BUILD/host/starina-run" "$@"
