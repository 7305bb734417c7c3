#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# cppcheck that remembers: cppcheck.sh DIRECTORY ARGUMENT... DIRECTORY has what it found in each file, with a hash of the
# file's tokens, the version and the flags, so that only what differs is analysed. A new DIRECTORY begins with what the last
# one that passed has left in the cache, so that a fresh clone profits as well.
set -euo pipefail

directory=$1
shift
cache=${STARINA_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/starina}/lint
kept=$cache/cppcheck.tar
mkdir -p "$cache"
if [ ! -e "$directory" ]; then
	mkdir -p "$directory"
	# A kept archive that is damaged saves nothing.
	[ ! -e "$kept" ] || tar -C "$directory" -xf "$kept" || rm -f "$directory"/*
fi
cppcheck --cppcheck-build-dir="$directory" "$@"

# In one step, for others do the same.
new=$(mktemp "$kept.XXXXXX")
tar -C "$directory" -cf "$new" . && mv "$new" "$kept"
