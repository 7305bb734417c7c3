#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Checks the layout of C files: check_format.sh VERSION FILE... By clang-format, if its major version is that one; and that
# no comment is longer than 100 columns, which clang-format leaves alone.
set -euo pipefail

version=$1
shift
status=0
long=$(awk '{ line = $0; gsub(/\t/, "        ", line) }
	length(line) > 100 && line ~ /^ *\/\// { print FILENAME ":" FNR ": a comment of more than 100 columns" }' "$@")
if [ -n "$long" ]; then
	printf '%s\n' "$long"
	status=1
fi
case $(clang-format --version) in
*" version $version."*)
	clang-format --dry-run -Werror "$@" || {
		echo "to lay these files out, run: make format"
		status=1
	}
	;;
*) echo "the layout is checked by clang-format $version only; here is another" ;;
esac
exit "$status"
