#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Shows that a fresh machine needs nothing but a clone: makes a Debian 12 minbase chroot from the machine's mirror, clones
# this repository (its last commit) into it and runs there, in this order,
#   1. ./setup.sh as a user without rights: it must name the command to run;
#   2. ./setup.sh as root from nothing, and again: it must then be silent;
#   3. make check, and clang-tidy.
# Needs root. All mounts are made in a mount namespace of its own and go with it, also when this is killed.
set -euo pipefail

REPO=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
SUITE=${SUITE:-bookworm}

usage() {
	cat <<-EOT
		usage: tools/test_fresh.sh [--warm] [--keep] [--setup-only]

		  --warm        start with copies of this machine's downloads and guest kernel
		  --keep        leave the chroot behind and say where it is
		  --setup-only  leave out make check and make lint-tidy

		The chroot is made in TMPDIR (default /var/tmp): 8 GiB are needed there.
	EOT
}

step() {
	printf 'test-fresh: %s\n' "$*"
}

fail() {
	printf 'test-fresh: FAILED: %s\n' "$*" >&2
	exit 1
}

# outside ARGS...: makes the directory, runs the rest in namespaces, removes the directory.
outside() {
	local keep='' arg chroot status=0
	for arg in "$@"; do
		case $arg in
		--keep) keep=1 ;;
		--warm | --setup-only) ;;
		-h | --help) usage && exit ;;
		*) usage >&2 && exit 2 ;;
		esac
	done
	((EUID == 0)) || fail "a chroot needs root; run: sudo make test-fresh"
	command -v mmdebstrap >/dev/null || fail "mmdebstrap is missing; run: ./setup.sh"
	chroot=$(mktemp -d "${TMPDIR:-/var/tmp}/starina-fresh.XXXXXX")
	if [[ -z $keep ]]; then
		# shellcheck disable=SC2064 # this very directory
		trap "rm -rf --one-file-system -- '$chroot'" EXIT
	fi
	trap 'exit 130' INT
	trap 'exit 143' TERM
	unshare --mount --pid --fork --kill-child --mount-proc "$0" --inside "$chroot" "$@" || status=$?
	[[ -z $keep ]] || step "the chroot is left in $chroot"
	exit "$status"
}

make_chroot() {
	local mirror conf
	mirror=$(ROOT=$REPO bash -c '. "$ROOT/tools/setup/common.sh"; . "$ROOT/tools/setup/sources.sh"; find_mirror')
	[[ -n $mirror ]] || fail "this machine's apt knows no Debian mirror; name one: STARINA_MIRROR=http://HOST/debian"
	conf=$(mktemp)
	apt-config dump | grep -E '^Acquire::(http|https|ftp)::Proxy|^Acquire::Check-' >"$conf" || true
	step "making a $SUITE minbase chroot"
	mmdebstrap --quiet --variant=minbase --mode=root --aptopt="$conf" \
		--keyring=/usr/share/keyrings/debian-archive-keyring.gpg "$SUITE" "$CHROOT" "$mirror"
	rm -f -- "$conf"
	mount -t proc proc "$CHROOT/proc"
	mount --rbind /dev "$CHROOT/dev"
	mount -t tmpfs tmpfs "$CHROOT/tmp"
	cp -L /etc/resolv.conf /etc/hosts "$CHROOT/etc/" 2>/dev/null || true
	git clone --quiet --no-hardlinks "file://$REPO" "$CHROOT/srv/starina"
}

# in_chroot USER COMMAND: runs it in the clone with nothing of this machine's environment but proxies.
in_chroot() {
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb LC_ALL=C.UTF-8 HOME="$([[ $1 == root ]] && echo /root || echo /tmp)" \
		${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
		chroot --userspec="$1" "$CHROOT" bash -c "cd /srv/starina && $2"
}

test_without_rights() {
	local out status=0
	step "./setup.sh as a user without rights"
	out=$(in_chroot nobody ./setup.sh 2>&1) || status=$?
	printf '%s\n' "$out" | sed 's/^/    /'
	((status == 1)) || fail "setup.sh without rights ended with status $status, not 1"
	[[ $out == *'apt-get update && apt-get install -y --no-install-recommends '*gcc-riscv64-linux-gnu* ]] ||
		fail "setup.sh without rights does not name the command to run"
}

test_setup() {
	local out dir cache=${STARINA_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/starina}
	if [[ -n $WARM ]]; then
		mkdir -p "$CHROOT/root/.cache/starina"
		for dir in downloads npm guest-kernel; do
			[[ ! -d $cache/$dir ]] || cp -r -- "$cache/$dir" "$CHROOT/root/.cache/starina/"
		done
	fi
	step "./setup.sh --check, with nothing there"
	! in_chroot root './setup.sh --check' || fail "setup.sh --check finds nothing missing in a minbase chroot"
	step "./setup.sh as root"
	in_chroot root ./setup.sh || fail "setup.sh"
	step "./setup.sh again"
	out=$(in_chroot root './setup.sh 2>&1 && ./setup.sh --check 2>&1') || fail "setup.sh again: $out"
	[[ -z $out ]] || fail "setup.sh is not silent when there is nothing to do: $out"
	[[ -z $(git -c safe.directory='*' -C "$CHROOT/srv/starina" status --porcelain) ]] ||
		fail "setup.sh left files in the checkout that git does not ignore"
}

inside() {
	local started=$SECONDS
	CHROOT=$1 WARM='' CHECK=1
	shift
	while [[ $# -gt 0 ]]; do
		case $1 in
		--warm) WARM=1 ;;
		--setup-only) CHECK= ;;
		esac
		shift
	done
	make_chroot
	test_without_rights
	test_setup
	if [[ -n $CHECK ]]; then
		step "make check"
		in_chroot root 'make check' || fail "make check"
		step "make lint-tidy"
		in_chroot root 'make lint-tidy' || fail "make lint-tidy"
	fi
	step "passed in $((SECONDS - started)) s"
}

if [[ ${1:-} == --inside ]]; then
	shift
	inside "$@"
else
	outside "$@"
fi
