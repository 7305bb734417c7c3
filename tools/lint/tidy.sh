#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# clang-tidy on files of C: tidy.sh "FLAGS" FILE...
#
# A file that passed is not analysed again: what passed is remembered in the cache by the hash of the preprocessed source, the
# flags, the checks and the tool's version, so that a fresh clone profits as well.
set -euo pipefail

flags=$1
shift
cache=${STARINA_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/starina}/lint
mkdir -p "$cache"
version=$(clang-tidy --version)

check_one() {
	local file=$1 key
	# shellcheck disable=SC2086
	key=$({ echo "$version $flags"; cat .clang-tidy; clang -E $flags "$file"; cat "$file"; } | sha256sum | cut -d' ' -f1)
	[ -e "$cache/$key" ] && return 0
	local output
	# shellcheck disable=SC2086
	if output=$(clang-tidy --quiet "$file" -- $flags 2>&1); then
		touch "$cache/$key"
	else
		printf '%s\n' "$output" | grep -v 'warnings generated' >&2
		return 1
	fi
}
export -f check_one
export flags cache version
# shellcheck disable=SC2016
printf '%s\0' "$@" | xargs -0 -n 1 -P "$(nproc)" bash -c 'set -uo pipefail; check_one "$1"' _
