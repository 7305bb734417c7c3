#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds Starina and runs it in QEMU, with a Linux container in it: ./run.sh --help says how.
set -euo pipefail

# Standard streams that are closed would be taken for the first files that are opened: bash has this script itself for stderr then.
[[ -e /dev/fd/0 ]] || exec </dev/null
[[ -e /dev/fd/1 ]] || exec >/dev/null
[[ -e /dev/fd/2 && ! /dev/fd/2 -ef ${BASH_SOURCE[0]} ]] || exec 2>/dev/null

# Paths that the user gives are relative to where the user is, so this script stays there. It may be called by a symbolic link.
STARINA_ROOT=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
STARINA_BUILD=${BUILD:-$STARINA_ROOT/build}
[[ $STARINA_BUILD == /* ]] || STARINA_BUILD=$PWD/$STARINA_BUILD
export STARINA_ROOT STARINA_BUILD

# Help needs nothing to be set up. Behind other words it may be the container's.
if [[ ${1:-} == --help || ($# == 1 && $1 == -h) ]]; then
	exec cat -- "$STARINA_ROOT/tools/run/usage.txt"
fi

# prepare COMMAND...: runs a step before the container. A signal that ends this script ends the step, too, and one that ends the
# step ends the script.
prepare() {
	local status=0
	setpriv --pdeathsig TERM -- "$@" >&2 || status=$?
	((status < 128)) || exit "$status"
	return "$status"
}

# What of this tree's apps --app names, into `app_files`. Behind an image the word may be the container's: one is made for nothing then.
app_files=()
find_app_files() {
	local file name
	while (($#)); do
		case $1 in
		--app=*) file=${1#--app=} ;;
		--app) file=${2:-} ;;
		*) file= ;;
		esac
		shift
		name=${file##*/}
		name=${name%.app}
		if [[ $file == *.app && -f $STARINA_ROOT/apps/$name/main.c &&
			$(realpath -m -- "$file") == "$(realpath -m -- "$STARINA_BUILD/apps/$name.app")" ]]; then
			app_files+=("$STARINA_BUILD/apps/$name.app")
		fi
	done
}

# with_engine ARGUMENTS: whether --engine is among them. Behind an image the word may be the container's: then the system
# container is made for nothing.
with_engine() {
	[[ " $* " == *' --engine '* ]]
}

# stdout is the container's: whatever else there is to say goes to stderr.
if [[ -z ${STARINA_NO_BUILD:-} ]]; then
	prepare "$STARINA_ROOT/setup.sh" --for run || exit 125
	find_app_files "$@"
	prepare make --directory="$STARINA_ROOT" --no-print-directory --silent -j"$(nproc)" BUILD="$STARINA_BUILD" \
		run-files "${app_files[@]}" </dev/null || {
		echo "run.sh: the build failed; the lines above say why" >&2
		exit 125
	}
	if with_engine "$@"; then
		prepare make --directory="$STARINA_ROOT" --no-print-directory --silent -j"$(nproc)" BUILD="$STARINA_BUILD" \
			system-image </dev/null ||
			echo "run.sh: the system container could not be made; docker pull and docker load do not work" >&2
	fi
fi
if [[ ! -x $STARINA_BUILD/host/starina-run ]]; then
	echo "run.sh: there is no build in $STARINA_BUILD; run it without STARINA_NO_BUILD" >&2
	exit 125
fi
exec "$STARINA_BUILD/host/starina-run" "$@"
