# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034 # the lists are used by name, and by setup.sh
# Debian packages that building, running and testing need. a|b: any of these will do, the first known one is installed.

QEMU_MIN=7.2

PACKAGES_BUILD=(
	make gcc libc6-dev pkg-config gcc-riscv64-linux-gnu libc6-dev-riscv64-cross device-tree-compiler
	libarchive-dev libjansson-dev libzstd-dev zlib1g-dev xz-utils zstd
	flex bison bc patch libssl-dev libelf-dev
)
PACKAGES_RUN=(
	'qemu-system-riscv|qemu-system-misc' opensbi skopeo e2fsprogs squashfs-tools squashfs-tools-ng gdb-multiarch python3
)
PACKAGES_TEST=(
	libcmocka-dev docker-registry mmdebstrap apache2-utils wrk expect curl chromium
	clang clang-tidy clang-format clang-tools 'libclang-rt-dev|libclang-rt-14-dev' cppcheck shellcheck
)
PACKAGES_WEB=(npm)
REASON_BUILD='compilers for the OS, the host tools and the guest kernel'
REASON_RUN='the emulator, container image tools, the debugger'
REASON_TEST='unit tests, end-to-end tests with a local registry and a browser, lint'
REASON_WEB='fetches what the web page is made of'

# packages_missing LIST...: prints, one a line, what has to be installed so that each of LIST is there.
packages_missing() {
	local installed entry name names found
	installed=$'\n'$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null)$'\n'
	for entry in "$@"; do
		IFS='|' read -ra names <<<"$entry"
		found=
		for name in "${names[@]}"; do
			[[ $installed != *$'\n'"installed $name"$'\n'* ]] || found=1
		done
		[[ -n $found ]] || printf '%s\n' "$entry"
	done
}

# packages_choose ENTRY...: prints one installable name for each entry.
packages_choose() {
	local entry name names chosen
	for entry in "$@"; do
		IFS='|' read -ra names <<<"$entry"
		chosen=${names[-1]}
		for name in "${names[@]}"; do
			if [[ -n $(apt-cache madison "$name" 2>/dev/null) ]]; then
				chosen=$name
				break
			fi
		done
		printf '%s\n' "$chosen"
	done
}

# as_root COMMAND...: runs it with the rights to install packages.
as_root() {
	if ((EUID == 0)); then
		"$@"
	else
		sudo -- "$@"
	fi
}

install_packages_as_root() {
	# The test registry is started by the tests, on loopback; installing it must not start a server of the machine's.
	if [[ " $* " == *' docker-registry '* && ! -e /etc/systemd/system/docker-registry.service ]]; then
		printf 'masking docker-registry.service\n'
		as_root mkdir -p /etc/systemd/system &&
			as_root ln -s /dev/null /etc/systemd/system/docker-registry.service || return
	fi
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends \
		-o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 install "$@"
}

install_progress() {
	printf '%d fetched, %d unpacked, %d set up' "$(grep -c '^Get:' "$1")" "$(grep -c '^Unpacking ' "$1")" \
		"$(grep -c '^Setting up ' "$1")"
}

# package_failed LOG NAMES...: ends after a failed installation.
package_failed() {
	local log=$1
	shift
	tail -n 15 -- "$log" >&2
	fail "the packages could not be installed; the lines above are the end of $log" \
		"see what apt says and run as root: apt-get update && apt-get install --no-install-recommends $*"
}

# setup_packages ENTRY...: installs what is missing of these.
setup_packages() {
	local missing names log
	mapfile -t missing < <(packages_missing "$@")
	[[ ${#missing[@]} -gt 0 ]] || return 0
	mapfile -t names < <(packages_choose "${missing[@]}")
	if ((EUID != 0)) && ! { command -v sudo >/dev/null && sudo -v; }; then
		fail "${#names[@]} packages are missing, and installing them needs root, which this user cannot become" \
			"as root, run this, then ./setup.sh again:" "" \
			"    apt-get update && apt-get install -y --no-install-recommends ${names[*]}" ""
	fi
	print_reasons "${missing[@]}"
	cache_open
	log=$CACHE/logs/apt.log
	run_long "reading the package lists" "$log" no_progress as_root apt-get -q update || package_failed "$log" "${names[@]}"
	mapfile -t names < <(packages_choose "${missing[@]}")
	[[ " ${names[*]} " != *' docker-registry '* ]] ||
		say "docker-registry is for the tests alone: its own service will be masked (systemctl unmask docker-registry)"
	run_long "installing ${#names[@]} packages and what they need" "$log" install_progress \
		install_packages_as_root "${names[@]}" || package_failed "$log" "${names[@]}"
}

# print_reasons ENTRY...: says what is missing, by what it is for.
print_reasons() {
	local group list entry hits
	for group in BUILD RUN TEST WEB; do
		local -n list_ref=PACKAGES_$group reason_ref=REASON_$group
		hits=()
		for entry in "$@"; do
			for list in "${list_ref[@]}"; do
				[[ $list != "$entry" ]] || hits+=("$entry")
			done
		done
		[[ ${#hits[@]} -gt 0 ]] || continue
		mapfile -t hits < <(packages_choose "${hits[@]}")
		say "missing to ${group,,} (${reason_ref}): ${hits[*]}"
	done
}

# qemu_problem: prints what is wrong with QEMU, if anything.
qemu_problem() {
	local qemu=${QEMU:-qemu-system-riscv64} version
	if ! command -v "$qemu" >/dev/null; then
		printf 'QEMU is missing: there is no %s' "$qemu"
		return
	fi
	version=$("$qemu" --version 2>/dev/null | sed -n '1s/.*version \([0-9.]*\).*/\1/p')
	if [[ $(printf '%s\n' "$QEMU_MIN" "${version:-0}" | sort -V | head -n 1) != "$QEMU_MIN" ]]; then
		printf 'QEMU is too old: %s is version %s, and Starina needs %s' "$qemu" "${version:-unknown}" "$QEMU_MIN"
	fi
}

# qemu_advice: prints what to do about it.
qemu_advice() {
	local qemu=${QEMU:-qemu-system-riscv64}
	if command -v "$qemu" >/dev/null; then
		printf 'install a newer one (Debian 12 has 7.2) or name it: QEMU=/path/to/qemu-system-riscv64'
	elif [[ -n ${QEMU:-} ]]; then
		printf 'the setting QEMU names it: correct it, or unset it for the one that Debian has'
	else
		printf 'install it (Debian: qemu-system-riscv or qemu-system-misc) or name one: QEMU=/path/to/qemu-system-riscv64'
	fi
}
