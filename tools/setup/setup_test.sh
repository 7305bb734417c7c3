#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016 # scripts for other shells are quoted on purpose
# Tests of setup.sh and its parts against a mirror made here: no network, nothing of the machine's is changed.
# Prints one line a test and the closing line `setup_test: N passed, N failed`.
set -euo pipefail

REPO=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
BASE=$(mktemp -d)
chmod 755 "$BASE"
WORK=$BASE/work
trap 'rm -rf -- "$BASE"' EXIT
passed=0 failed=0 skipped=0

# Small stand-ins for the sources that setup.sh fetches.
make_pool() {
	WORK=$1
	mkdir -p "$WORK/pool" "$WORK/src/lwip-1/src/core" "$WORK/src/lwip-1/doc" "$WORK/src/dtc-1/libfdt" \
		"$WORK/src/cJSON-1"
	echo core >"$WORK/src/lwip-1/src/core/tcp.c"
	echo doc >"$WORK/src/lwip-1/doc/doc.txt"
	mkdir "$WORK/src/lwip-1/src/include" "$WORK/src/lwip-1/src/netif" "$WORK/src/lwip-1/src/api"
	echo licence | tee "$WORK/src/lwip-1/COPYING" >"$WORK/src/cJSON-1/LICENSE"
	echo fdt | tee "$WORK/src/dtc-1/libfdt/fdt.c" >"$WORK/src/dtc-1/libfdt/fdt.h"
	mkdir -p "$WORK/src/quickjs-1/tests" "$WORK/src/picolibc-1/newlib/libc" "$WORK/src/picolibc-1/newlib/libm"
	echo 1 | tee "$WORK/src/quickjs-1"/{LICENSE,VERSION,quickjs.c,quickjs.h,tests/test.js} >/dev/null
	echo 1 | tee "$WORK/src/picolibc-1"/{COPYING.NEWLIB,COPYING.picolibc,newlib/libc/a.c,newlib/libm/b.c} >/dev/null
	echo cjson | tee "$WORK/src/cJSON-1/cJSON.c" >"$WORK/src/cJSON-1/cJSON.h"
	# Some incompressible bulk, so that a small disk fills up.
	head -c 1500000 /dev/urandom >"$WORK/src/lwip-1/src/core/bulk.c"
	tar -C "$WORK/src" -cJf "$WORK/pool/lwip.tar.xz" lwip-1
	tar -C "$WORK/src" -cJf "$WORK/pool/libfdt.tar.xz" dtc-1
	tar -C "$WORK/src" -czf "$WORK/pool/cjson.tar.gz" cJSON-1
	tar -C "$WORK/src" -cJf "$WORK/pool/quickjs.tar.xz" quickjs-1
	tar -C "$WORK/src" -czf "$WORK/pool/picolibc.tar.gz" picolibc-1
	echo linux >"$WORK/pool/linux.deb"
	mkdir -p "$WORK/src/deb/DEBIAN" "$WORK/src/deb/usr/bin" "$WORK/src/deb/usr/share/doc/busybox-static"
	printf '%s\n' 'Package: busybox-static' 'Version: 1' 'Architecture: all' 'Maintainer: none <none@localhost>' \
		'Description: none' >"$WORK/src/deb/DEBIAN/control"
	echo busybox | tee "$WORK/src/deb/usr/bin/busybox" >"$WORK/src/deb/usr/share/doc/busybox-static/copyright"
	dpkg-deb --build --root-owner-group "$WORK/src/deb" "$WORK/pool/busybox.deb" >/dev/null
	rm -r "$WORK/src"
}

# A mirror of these, a lock that pins them, and a checkout to unpack into.
make_world() {
	rm -rf -- "$WORK"
	mkdir -p "$WORK/mirror" "$WORK/checkout" "$WORK/bin"
	cp -r "$BASE/pool" "$WORK/mirror/"
	{
		echo "suite test"
		lock_line lwip source pool/lwip.tar.xz
		lock_line libfdt source pool/libfdt.tar.xz
		lock_line cjson source pool/cjson.tar.gz
		lock_line quickjs source pool/quickjs.tar.xz
		lock_line picolibc source pool/picolibc.tar.gz
		lock_line linux binary pool/linux.deb
		lock_line busybox guest pool/busybox.deb
	} >"$WORK/deps.lock"
	export STARINA_CACHE=$WORK/cache STARINA_LOCK=$WORK/deps.lock STARINA_MIRROR=file:$WORK/mirror
	sha=$(sha_in_lock lwip)
}

lock_line() {
	local file=$WORK/mirror/$3 sum
	sum=$(sha256sum <"$file")
	echo "$1 $2 $1-package 1.0 $(stat -c %s "$file") ${sum%% *} $3"
}

sha_in_lock() {
	awk -v name="$1" '$1 == name { print $6 }' "$WORK/deps.lock"
}

# await COMMAND...: until it succeeds; five minutes are for what hangs.
await() {
	local i
	for ((i = 0; i < 3000; i++)); do
		! "$@" || return 0
		sleep 0.1
	done
	echo "    waited in vain for: $*"
	return 1
}

is_gone() {
	! kill -0 "$1" 2>/dev/null
}

# stopped_parts SIGNAL WHEN COMMANDS: as parts, in the background; sends the signal once the command WHEN succeeds. Returns the status.
stopped_parts() {
	local status=0 pid
	export WORK REPO
	# In the background, a shell ignores SIGINT.
	ROOT=$WORK/checkout env --default-signal=INT,TERM,HUP bash -c 'set -euo pipefail
		for part in common packages sources guest_kernel system web; do . "$REPO/tools/setup/$part.sh"; done
		lock_read
		'"$3" >"$WORK/out" 2>&1 &
	pid=$!
	await eval "$2" || status=99
	kill "-$1" "$pid"
	wait "$pid" || status=$?
	return "$status"
}

# parts COMMANDS: runs COMMANDS with setup.sh's parts loaded for the checkout; its output goes to $WORK/out.
parts() {
	local status=0
	ROOT=$WORK/checkout REPO=$REPO bash -c 'set -euo pipefail
		for part in common packages sources guest_kernel system web; do . "$REPO/tools/setup/$part.sh"; done
		lock_read
		'"$1" >"$WORK/out" 2>&1 || status=$?
	return "$status"
}

said() {
	grep -q -- "$1" "$WORK/out" || {
		echo "    wanted in the output: $1"
		return 1
	}
}

# Nothing half-done: no remains in tmp/, each download under its own name.
cache_is_clean() {
	local file sum
	[[ -z $(ls -A "$WORK/cache/tmp") ]] || { echo "    remains in tmp/" && return 1; }
	for file in "$WORK"/cache/downloads/*; do
		[[ -e $file ]] || continue
		sum=$(sha256sum <"$file")
		[[ ${file##*/} == "${sum%% *}" ]] || { echo "    bad entry $file" && return 1; }
	done
}

test_fetches_and_unpacks_what_is_needed() {
	parts setup_sources || return 1
	[[ -f $WORK/checkout/third_party/lwip/src/core/tcp.c ]] || return 1
	[[ ! -e $WORK/checkout/third_party/lwip/doc ]] || return 1
	[[ -f $WORK/checkout/third_party/libfdt/fdt.c && -f $WORK/checkout/third_party/cjson/cJSON.h ]] || return 1
	[[ $(ls "$WORK/checkout/third_party/busybox") == COPYRIGHT$'\n'busybox ]] || return 1
	cache_is_clean
}

# An npm that packs what is asked for out of nothing, and a lock that pins what comes of it.
make_npm() {
	local name
	mkdir -p "$WORK/npm/package/bin" "$WORK/npm/package/lib"
	echo program | tee "$WORK/npm/package/bin/esbuild" >"$WORK/npm/package/lib/tsc"
	tar -C "$WORK/npm" -czf "$WORK/npm/package.tgz" package
	printf '#!/bin/sh\ncp "%s" ./packed.tgz\n' "$WORK/npm/package.tgz" >"$WORK/bin/npm"
	chmod +x "$WORK/bin/npm"
	for name in preact @esbuild/linux-here @typescript/typescript-here; do
		printf '%s 1.2.3 all sha512-%s\n' "$name" \
			"$(sha512sum <"$WORK/npm/package.tgz" | cut -d ' ' -f 1 | tr a-f A-F | basenc --base16 -d | base64 -w0)"
	done >"$WORK/web.lock"
	export STARINA_WEB_LOCK=$WORK/web.lock
}

# web_parts COMMANDS: as parts, with that npm.
web_parts() {
	PATH=$WORK/bin:$PATH parts "$1"
}

test_web_packages_are_fetched_once() {
	local web=$WORK/checkout/third_party/web
	make_npm
	web_parts setup_web || return 1
	[[ -s $web/esbuild && -s $web/tsc && -s $web/node_modules/preact/bin/esbuild ]] || return 1
	rm -r "$WORK/bin/npm" "$web"
	web_parts setup_web && [[ -s $web/tsc ]] && web_parts setup_web && [[ ! -s $WORK/out ]] && cache_is_clean
}

test_another_web_package_is_refused() {
	make_npm
	echo junk >>"$WORK/npm/package.tgz"
	! web_parts setup_web && said 'not the file that tools/web.lock pins' && [[ ! -e $WORK/checkout/third_party/web ]] && cache_is_clean
}

test_bad_line_of_the_web_lock_is_named() {
	make_npm
	echo '../preact 1.2.3 all sha512-x' >>"$WORK/web.lock"
	! web_parts setup_web && said 'web.lock:4: not a valid entry'
}

test_without_npm_all_but_the_page_is_set_up() {
	make_npm
	printf '#!/bin/sh\nexit 1\n' >"$WORK/bin/npm"
	web_parts 'setup_web; echo went on' && said 'npm could not fetch' && said 'web page is left out' && said 'went on' &&
		[[ ! -e $WORK/checkout/third_party/web ]] && cache_is_clean
}

test_second_run_is_silent() {
	parts setup_sources && parts setup_sources && [[ ! -s $WORK/out ]]
}

test_works_from_cache_without_mirror() {
	parts setup_sources || return 1
	rm -rf "$WORK/mirror" "$WORK/checkout/third_party"
	parts setup_sources && [[ -f $WORK/checkout/third_party/lwip/src/core/tcp.c ]]
}

test_damaged_download_is_fetched_again() {
	parts setup_sources || return 1
	rm -rf "$WORK/checkout/third_party"
	echo junk >>"$WORK/cache/downloads/$sha"
	parts setup_sources && said 'is damaged; fetching it again' && cache_is_clean &&
		[[ -f $WORK/checkout/third_party/lwip/src/core/tcp.c ]]
}

test_other_file_on_mirror_is_refused() {
	echo other >>"$WORK/mirror/pool/lwip.tar.xz"
	! parts 'fetch_source lwip' && said 'other SHA-256): refused' && cache_is_clean
}

test_malformed_lock_is_refused() {
	sed -i "s/$sha/1234/" "$WORK/deps.lock"
	! parts : && said "deps.lock:2: not a valid entry for 'lwip'"
}

test_lock_cannot_leave_the_pool() {
	sed -i 's|pool/lwip|pool/../lwip|' "$WORK/deps.lock"
	! parts : && said "not a valid entry for 'lwip'"
}

# A server that sends 256 KiB and then nothing, unless the file `all` is there.
stalling_server() {
	cat >"$WORK/server.py" <<-'EOT'
		import http.server, os, re, sys, time
		class Handler(http.server.BaseHTTPRequestHandler):
		    protocol_version = "HTTP/1.1"
		    def do_GET(self):
		        data = open("mirror" + self.path, "rb").read()
		        wanted = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
		        start = int(wanted[1]) if wanted else 0
		        self.send_response(206 if wanted else 200)
		        if wanted:
		            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
		        self.send_header("Content-Length", str(len(data) - start))
		        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
		        self.end_headers()
		        print(f"from {start}", file=open("asked", "a"), flush=True)
		        if os.path.exists("all"):
		            self.wfile.write(data[start:])
		            return
		        self.wfile.write(data[start:start + 262144])
		        time.sleep(1000)
		    def log_message(self, *_):
		        pass
		server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
		print(server.server_port, file=open("port.new", "w"), flush=True)
		os.rename("port.new", "port")
		server.serve_forever()
	EOT
	(cd "$WORK" && exec python3 server.py) &
	server=$!
	await test -s "$WORK/port" && STARINA_MIRROR=http://127.0.0.1:$(<"$WORK/port")
}

test_stopped_download_goes_on() {
	local server status=0
	stalling_server || return 1
	# shellcheck disable=SC2016
	stopped_parts INT '(($(stat -c %s "$WORK"/cache/partial/* 2>/dev/null || echo 0) >= 200000))' 'fetch_source lwip' || status=$?
	: >"$WORK/all"
	[[ $status == 130 ]] && said 'stopped; what is done so far is kept' && cache_is_clean && parts 'fetch_source lwip' &&
		[[ -f $WORK/cache/downloads/$sha && -z $(ls "$WORK/cache/partial") ]] && grep -q '^from [1-9]' "$WORK/asked"
	status=$?
	kill "$server"
	return "$status"
}

test_damaged_part_is_fetched_whole() {
	mkdir -p "$WORK/cache/partial"
	head -c 100000 /dev/urandom >"$WORK/cache/partial/$sha"
	echo old >"$WORK/cache/partial/0123"
	parts 'fetch_source lwip' && cache_is_clean && [[ -z $(ls "$WORK/cache/partial") ]]
}

# Status 130, at once; what was unpacked and configured is there for the next run.
test_stopped_guest_build_goes_on() {
	local status=0 build='GUEST_CROSS=
		need_space() { echo "space for $1 MiB"; }
		fetch_source() { echo fetching; }
		unpack_guest_source() { mkdir -p "$GUEST_WORK/linux/arch/riscv/boot"; : >"$GUEST_WORK/unpacked"; echo >>"$WORK/unpacked"; }
		configure_guest_kernel() { touch "$GUEST_WORK/linux/.config"; }
		guest_make() {
			echo $BASHPID >"$WORK/making"
			[[ -e $WORK/go ]] || sleep 1000
			touch "$GUEST_WORK"/linux/{vmlinux,arch/riscv/boot/Image}
		}
		setup_guest_kernel'
	mkdir -p "$WORK/checkout/guest/kernel" "$WORK/cache/building/other"
	: >"$WORK/checkout/guest/kernel/kernel.config"
	: >"$WORK/checkout/guest/kernel/config"
	# shellcheck disable=SC2016
	stopped_parts INT '[[ -s $WORK/making ]]' 'GUEST_CONFIG=$WORK/checkout/guest/kernel/kernel.config; '"$build" || status=$?
	# All the space is asked for before anything is fetched.
	[[ $status == 130 ]] && said 'stopped; what is done so far is kept' && [[ ! -e $WORK/cache/building/other ]] &&
		[[ $(grep -n -m 1 'space for' "$WORK/out" | cut -d: -f1) -lt $(grep -n -m 1 fetching "$WORK/out" | cut -d: -f1) ]] &&
		await is_gone "$(<"$WORK/making")" || return 1
	: >"$WORK/go"
	parts "WORK=$WORK GUEST_CONFIG=$WORK/checkout/guest/kernel/kernel.config; $build" && said 'going on with the guest kernel' &&
		[[ $(wc -l <"$WORK/unpacked") == 1 && -z $(ls "$WORK/cache/building") ]] &&
		[[ -f $WORK/checkout/third_party/guest-kernel/Image ]] && cache_is_clean
}

# run.sh hands the status of a signal on, and no other.
test_run_ends_as_setup_was_stopped() {
	local status=0
	mkdir -p "$WORK/tree"
	cp "$REPO/run.sh" "$WORK/tree/"
	printf '#!/bin/sh\nexit $SETUP_STATUS\n' >"$WORK/tree/setup.sh"
	chmod +x "$WORK/tree/setup.sh"
	SETUP_STATUS=130 "$WORK/tree/run.sh" >"$WORK/out" 2>&1 || status=$?
	[[ $status == 130 ]] || return 1
	SETUP_STATUS=1 "$WORK/tree/run.sh" >"$WORK/out" 2>&1 || status=$?
	[[ $status == 125 ]]
}

# A signal to run.sh alone, while it sets up: nothing goes on behind its back.
test_setup_ends_with_run() {
	local pid status=0
	mkdir -p "$WORK/tree"
	cp "$REPO/run.sh" "$WORK/tree/"
	cat >"$WORK/tree/setup.sh" <<-'EOT'
		#!/usr/bin/env bash
		trap 'echo ended >ended; exit 143' TERM
		echo $$ >started
		while :; do sleep 0.1; done
	EOT
	chmod +x "$WORK/tree/setup.sh"
	(cd "$WORK" && exec tree/run.sh) >"$WORK/out" 2>&1 &
	pid=$!
	await test -s "$WORK/started" || return 1
	kill -USR1 "$pid"
	wait "$pid" || status=$?
	[[ $status == 138 ]] && await test -s "$WORK/ended"
}

test_misspelt_setting_is_refused() {
	! STARINA_CAHCE=x "$REPO/setup.sh" --check >"$WORK/out" 2>&1 && said 'STARINA_CAHCE is not a setting' && said 'STARINA_CACHE'
}

test_mirror_that_is_none_is_told_how_to_be_changed() {
	! STARINA_MIRROR=file:$WORK/nowhere parts 'private_lists() { return 1; }; fetch_source lwip' && said 'STARINA_MIRROR=http'
}

test_version_gone_from_mirror_names_newest() {
	rm "$WORK/mirror/pool/lwip.tar.xz"
	! parts 'private_lists() { :; }; newest() { echo "1.1 1 x y"; }; fetch_source lwip' &&
		said 'no longer has lwip-package 1.0.*the newest there is 1.1' &&
		said './setup.sh --update-lock && ./setup.sh' && cache_is_clean
}

test_mirror_away_says_so() {
	rm -r "$WORK/mirror"
	! parts 'private_lists() { return 1; }; fetch_source lwip' && said 'could not be fetched from' && cache_is_clean
}

test_newest_reads_source_and_binary_records() {
	parts 'private_apt() { cat "$WORK/records"; }
		WORK='"$WORK"'
		printf "%s\n" "Package: lwip" "Version: 1.9" "Checksums-Sha256:" " aa 5 lwip_1.9.dsc" " bb 6 lwip_1.9.orig.tar.xz" \
			"Directory: pool/l" "" "Package: lwip" "Version: 1.10" "Checksums-Sha256:" " cc 7 lwip_1.10.orig.tar.gz" \
			"Homepage: x" "Directory: pool/l" >"$WORK/records"
		newest lwip
		printf "%s\n" "Package: linux" "Version: 6.2" "Filename: pool/k.deb" "Size: 9" "SHA256: dd" >"$WORK/records"
		newest linux' && said '^1.10 7 cc pool/l/lwip_1.10.orig.tar.gz$' && said '^6.2 9 dd pool/k.deb$'
}

test_update_lock_pins_newest_and_keeps_the_rest() {
	parts 'private_lists() { :; }
		newest() { echo "2.0 11 '"$(printf 'a%.0s' {1..64})"' pool/new"; }
		update_lock' || return 1
	grep -q '^lwip source lwip-package 2.0 11 a* pool/new$' "$WORK/deps.lock" &&
		grep -q '^suite test$' "$WORK/deps.lock" && parts :
}

test_full_disk_is_named_and_leaves_nothing() {
	((EUID == 0)) || return 77
	mkdir "$WORK/cache"
	unshare --mount true 2>/dev/null || return 77
	export WORK REPO
	! ROOT=$WORK/checkout unshare --mount bash -c '
		mount -t tmpfs -o size=1m none "$WORK/cache" || exit 0
		set -euo pipefail
		for part in common packages sources guest_kernel system web; do . "$REPO/tools/setup/$part.sh"; done
		lock_read
		trap '\''find "$WORK/cache/tmp" "$WORK/cache/downloads" -type f'\'' EXIT
		(trap - EXIT; fetch_source lwip)' >"$WORK/out" 2>&1 || return 1
	said 'has [01] MiB free' && said 'STARINA_CACHE=DIR' && ! grep -q '^/.*/cache/' "$WORK/out"
}

test_lost_kernel_option_is_named() {
	printf 'CONFIG_A=y\nCONFIG_B=n\n' >"$WORK/config"
	parts 'GUEST_CONFIG='"$WORK"'/fragment
		printf "CONFIG_A=y\nCONFIG_B=n\nCONFIG_C=n\n" >$GUEST_CONFIG
		check_guest_config '"$WORK"'/config' || return 1
	! parts 'GUEST_CONFIG='"$WORK"'/fragment
		printf "CONFIG_LOST=y\nCONFIG_A=n\n" >$GUEST_CONFIG
		check_guest_config '"$WORK"'/config' && said 'CONFIG_LOST=y (is n)' && said 'CONFIG_A=n (is y)'
}

# The kernel that guests of this checkout run, not a stand-in.
test_guest_kernel_has_what_is_asked_for() {
	local config=$REPO/third_party/guest-kernel/config
	[[ -f $config ]] || return 77
	export REPO
	parts 'GUEST_CONFIG=$REPO/guest/kernel/kernel.config
		check_guest_config $REPO/third_party/guest-kernel/config' || return 1
	for option in VIRTIO_BALLOON=y PAGE_REPORTING=y IPV6=y CFS_BANDWIDTH=y TMPFS_POSIX_ACL=y \
		EXT4_FS_POSIX_ACL=y TMPFS_XATTR=y SQUASHFS_XATTR=y; do
		grep -q "^CONFIG_$option" "$config" || { echo "    no CONFIG_$option" && return 1; }
	done
}

test_damaged_guest_kernel_is_built_again() {
	mkdir -p "$WORK/checkout/guest/kernel"
	echo CONFIG_A=y >"$WORK/checkout/guest/kernel/kernel.config"
	local build='GUEST_CROSS=
		build_guest_kernel() {
			say "building $1"
			mkdir "$CACHE/guest-kernel/$1"
			echo image >"$CACHE/guest-kernel/$1/Image"
			(cd "$CACHE/guest-kernel/$1" && sha256sum Image >SHA256SUMS)
		}
		setup_guest_kernel'
	parts "$build" && said building && parts "$build" && [[ ! -s $WORK/out ]] || return 1
	rm -r "$WORK/checkout/third_party"
	parts "$build" && ! grep -q building "$WORK/out" || return 1
	rm -r "$WORK/checkout/third_party"
	echo junk >>"$(echo "$WORK"/cache/guest-kernel/*/Image)"
	parts "$build" && said 'is damaged; building it again' && said 'building [0-9a-f]' || return 1
	echo CONFIG_A=n >"$WORK/checkout/guest/kernel/kernel.config"
	parts "$build" && said 'building [0-9a-f]' || return 1
	mkdir "$WORK/checkout/guest/kernel/patches"
	echo '--- a patch' >"$WORK/checkout/guest/kernel/patches/1.patch"
	parts "$build" && said 'building [0-9a-f]'
}

test_guest_patch_that_does_not_apply_fails() {
	mkdir -p "$WORK/patches" "$WORK/linux"
	printf 'one\ntwo\n' >"$WORK/linux/file"
	printf -- '--- a/file\n+++ b/file\n@@ -1,2 +1,2 @@\n one\n-two\n+three\n' >"$WORK/patches/1.patch"
	parts 'GUEST_PATCHES='"$WORK"'/patches GUEST_WORK='"$WORK"'; patch_guest_source' && grep -q three "$WORK/linux/file" || return 1
	! parts 'GUEST_PATCHES='"$WORK"'/patches GUEST_WORK='"$WORK"'; patch_guest_source'
}

# A dpkg-query that knows everything but skopeo.
without_skopeo() {
	cat >"$WORK/bin/dpkg-query" <<-'EOT'
		#!/bin/sh
		PATH=${PATH#*:}
		dpkg-query "$@" | grep -v ' skopeo$'
	EOT
	chmod 755 "$WORK/bin/dpkg-query"
}

test_check_reports_missing_package() {
	without_skopeo
	! PATH=$WORK/bin:$PATH "$REPO/setup.sh" --check >"$WORK/out" 2>&1 && said 'missing to run.*skopeo' &&
		[[ ! -e $WORK/cache ]]
}

test_old_or_missing_qemu_is_refused() {
	printf '#!/bin/sh\necho QEMU emulator version 7.1.0\n' >"$WORK/bin/qemu"
	chmod 755 "$WORK/bin/qemu"
	! QEMU=$WORK/bin/qemu "$REPO/setup.sh" --check >"$WORK/out" 2>&1 && said 'too old.*7.1.0.*needs 7.2' || return 1
	! QEMU=$WORK/bin/none "$REPO/setup.sh" --check >"$WORK/out" 2>&1 && said 'QEMU is missing' || return 1
	parts 'QEMU=/no/qemu qemu_advice' && said 'correct it' && ! said 'newer' >/dev/null || return 1
	parts "QEMU=$WORK/bin/qemu qemu_advice" && said 'install a newer one'
}

test_without_rights_names_the_command() {
	local as=()
	without_skopeo
	printf '#!/bin/sh\nexit 1\n' >"$WORK/bin/sudo"
	chmod 755 "$WORK/bin/sudo"
	if ((EUID == 0)); then
		as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
		"${as[@]}" test -x "$REPO/setup.sh" || return 77
	fi
	! PATH=$WORK/bin:$PATH "${as[@]}" "$REPO/setup.sh" >"$WORK/out" 2>&1 && said 'installing them needs root' &&
		said 'apt-get update && apt-get install -y --no-install-recommends .*skopeo'
}

test_second_run_waits_for_the_first() {
	local out
	mkdir -p "$WORK/cache"
	exec 8>"$WORK/cache/lock"
	flock 8
	parts 'cache_open; echo got it' 8>&- &
	await grep -qs 'waiting for it' "$WORK/out"
	out=$(cat "$WORK/out")
	exec 8>&-
	wait $!
	[[ $out == *'waiting for it'* && $out != *'got it'* ]] && said 'got it'
}

test_system_container_is_made_once_and_whole() {
	local made='system_root() { mkdir -p "$2" && cp "$1/usr/bin/busybox" "$2/"; }; setup_system; system_directory'
	lock_line shell system pool/busybox.deb >>"$WORK/deps.lock"
	# What fails in the midst leaves nothing that would be taken for it.
	! parts "system_dev() { return 1; }; $made" && said "could not make the system container's files" &&
		parts 'system_missing' &&
		parts "system_dev() { mkdir \"\$2\"; }; $made" && [[ -f $(tail -n 1 "$WORK/out")/root/busybox ]] &&
		rm -r "$WORK/mirror" && parts "system_dev() { return 1; }; $made" && [[ $(wc -l <"$WORK/out") == 1 ]]
}

test_unknown_option_is_refused() {
	! "$REPO/setup.sh" --frobnicate >"$WORK/out" 2>&1 && said "unknown option '--frobnicate'"
}

(make_pool "$BASE")
for name in $(declare -F | sed -n 's/^declare -f \(test_.*\)/\1/p'); do
	[[ -z ${1:-} || $name == *"$1"* ]] || continue
	status=0
	make_world
	"$name" || status=$?
	case $status in
	0) passed=$((passed + 1)) && echo "ok   $name" ;;
	77) skipped=$((skipped + 1)) && echo "skip $name" ;;
	*)
		failed=$((failed + 1))
		echo "FAIL $name"
		[[ ! -f $WORK/out ]] || sed 's/^/    | /' "$WORK/out"
		;;

	esac
done
((skipped == 0)) || echo "setup_test: $skipped skipped"
echo "setup_test: $passed passed, $failed failed"
((failed == 0))
