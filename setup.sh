#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Sets up what building, running and testing Starina need. Silent when there is nothing to do.
set -euo pipefail

# Standard streams that are closed would be taken for the first files that are opened: bash has this script itself for stderr then.
[[ -e /dev/fd/0 ]] || exec </dev/null
[[ -e /dev/fd/1 ]] || exec >/dev/null
[[ -e /dev/fd/2 && ! /dev/fd/2 -ef ${BASH_SOURCE[0]} ]] || exec 2>/dev/null

ROOT=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")

for part in common packages sources guest_kernel system web; do
	# shellcheck source-path=SCRIPTDIR source=tools/setup/common.sh
	. "$ROOT/tools/setup/$part.sh"
done

usage() {
	cat <<-EOT
		usage: ./setup.sh [--for run|test|system] [--check | --update-lock]

		Installs missing Debian packages, fetches lwIP, libfdt, cJSON, QuickJS, picolibc, busybox and the Linux source
		as tools/deps.lock pins them and the web page's packages as tools/web.lock does, and builds
		the guest kernel once.

		  --for run       only what ./run.sh and make need
		  --for test      also what make test needs (default)
		  --for system    what the system container is made of, which pulls images for ./run.sh --engine;
		                  prints the directory
		  --check         change nothing; report what is missing, status 1 if anything is
		  --update-lock   pin the newest versions that the package mirror has
		  --help          this text

		Settings (environment):
		  STARINA_CACHE   downloads and the guest kernel (default: ~/.cache/starina)
		  STARINA_MIRROR  Debian mirror to fetch sources from (default: the one apt uses)
		  QEMU            the emulator to use (default: qemu-system-riscv64)
		  JOBS            compilers to run at a time (default: one a core)
	EOT
}

# check_all PURPOSE ENTRY...: reports what is missing. Status 1 if anything is.
check_all() {
	local purpose=$1 missing name problem status=0
	shift
	mapfile -t missing < <(packages_missing "$@")
	if [[ ${#missing[@]} -gt 0 ]]; then
		print_reasons "${missing[@]}"
		status=1
	fi
	problem=$(qemu_problem)
	if [[ -n $problem ]]; then
		say "$problem"
		status=1
	fi
	for name in "${UNPACKED[@]}"; do
		if source_missing "$name"; then
			say "missing: third_party/$name (${LOCK_PACKAGE[$name]} ${LOCK_VERSION[$name]})"
			status=1
		fi
	done
	if web_missing; then
		say "missing: third_party/web (npm packages of tools/web.lock)"
		status=1
	fi
	if guest_kernel_missing; then
		say "missing: third_party/guest-kernel (Linux ${LOCK_VERSION[linux]})"
		status=1
	fi
	if [[ $purpose != run ]] && system_missing; then
		say "missing: what the system container is made of, in $(system_directory)"
		status=1
	fi
	[[ $status -eq 0 ]] || say "to set these up, run: ./setup.sh"
	return "$status"
}

main() {
	local action=setup purpose=test packages problem
	while [[ $# -gt 0 ]]; do
		case $1 in
		--check) action=check ;;
		--update-lock) action=update ;;
		--for)
			purpose=${2:-}
			[[ $purpose =~ ^(run|test|system)$ ]] || fail "--for takes run, test or system, not '$purpose'"
			shift
			;;
		-h | --help)
			usage
			return
			;;
		*) fail "unknown option '$1'" "see ./setup.sh --help" ;;
		esac
		shift
	done
	command -v apt-get >/dev/null || fail "this is not a Debian system: there is no apt-get" \
		"Starina is set up on Debian 12 or newer; a container or chroot of it will do"
	check_settings
	lock_read
	packages=("${PACKAGES_BUILD[@]}" "${PACKAGES_RUN[@]}")
	[[ $purpose != test ]] || packages+=("${PACKAGES_TEST[@]}")
	if [[ $action == setup && $purpose == system ]]; then
		setup_system
		system_directory
		return
	fi
	case $action in
	check) check_all "$purpose" "${packages[@]}" ;;
	update) update_lock ;;
	setup)
		setup_packages "${packages[@]}"
		problem=$(qemu_problem)
		[[ -z $problem ]] || fail "$problem" "$(qemu_advice)"
		setup_sources
		setup_web
		setup_guest_kernel
		[[ $purpose != test ]] || setup_system
		;;
	esac
}

main "$@"
