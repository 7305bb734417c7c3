# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the system container is made of (tools/system): Debian's riscv64 packages as tools/deps.lock pins them, unpacked in
# the cache as system/<key>/:
#   root/  programs and libraries that run in it
#   dev/   headers and static libraries that /system is linked with

# Change this when unpack_system takes something else.
SYSTEM_RECIPE=2

# system_names: the packages' names in the lock.
system_names() {
	local name
	for name in "${LOCK_NAMES[@]}"; do
		[[ ${LOCK_KIND[$name]} != system ]] || printf '%s\n' "$name"
	done
}

# system_directory: prints where they are in the cache.
system_directory() {
	local name key
	key=$(
		printf '%s\n' "$SYSTEM_RECIPE"
		for name in $(system_names); do
			printf '%s\n' "${LOCK_SHA[$name]}"
		done
	)
	key=$(sha256sum <<<"$key")
	printf '%s\n' "$CACHE/system/${key:0:32}"
}

system_missing() {
	[[ ! -e $(system_directory)/dev ]]
}

# system_root FROM TO: of the unpacked packages, what runs in the container.
system_root() {
	local libraries=usr/lib/riscv64-linux-gnu name
	# Those of skopeo, then those of wget.
	local -a needed=(libc.so.6 libm.so.6 libgpgme.so.11 libassuan.so.9 libgpg-error.so.0 libsqlite3.so.0
		libgnutls.so.30 libidn2.so.0 libnettle.so.8 libhogweed.so.6 libgmp.so.10 libp11-kit.so.0 libtasn1.so.6
		libunistring.so.5 libpcre2-8.so.0 libpsl.so.5 libuuid.so.1 libz.so.1 libffi.so.8)
	mkdir -p -- "$2"/{usr/bin,"$libraries",etc/ssl/certs,usr/share,tmp,root,incoming,var/tmp,proc,sys,dev} || return
	for name in "${needed[@]}"; do
		cp -L -- "$1/$libraries/$name" "$2/$libraries/" || return
	done
	cp -L -- "$1/$libraries/ld-linux-riscv64-lp64d.so.1" "$2/usr/lib/" || return
	ln -s -- usr/lib "$2/lib" && ln -s -- usr/bin "$2/bin" || return
	cp -- "$1"/usr/bin/{skopeo,wget} "$2/usr/bin/" || return
	# As update-ca-certificates makes it.
	cat -- "$1"/usr/share/ca-certificates/mozilla/*.crt >"$2/etc/ssl/certs/ca-certificates.crt" || return
	printf 'root:x:0:0:root:/root:/bin/sh\n' >"$2/etc/passwd"
	printf 'root:x:0:\n' >"$2/etc/group"
	printf 'hosts: files dns\n' >"$2/etc/nsswitch.conf"
	(cd -- "$1" && find usr/share/doc -name copyright -print0 | tar -c --null -T -) | tar -x --no-same-owner -C "$2" || return
	chmod 1777 -- "$2/tmp" "$2/var/tmp" && chmod -R u+rwX,go+rX,go-w -- "$2/usr" "$2/etc"
}

# system_dev FROM TO: of the unpacked packages, what /system is linked with.
system_dev() {
	mkdir -p -- "$2/include" "$2/lib" || return
	cp -- "$1"/usr/include/{archive.h,archive_entry.h,sha2.h,jansson.h} "$2/include/" || return
	find "$1/usr/include" -name jansson_config.h -exec cp -- {} "$2/include/" \; || return
	cp -- "$1"/usr/lib/riscv64-linux-gnu/lib{archive,jansson,md,z,bz2,lzma,zstd}.a "$2/lib/"
}

# setup_system: fetches and unpacks what is missing. Silent when there is nothing to do.
setup_system() {
	local here name all
	here=$(system_directory)
	system_missing || return 0
	cache_open
	# Another setup.sh may have made it meanwhile.
	system_missing || return 0
	all=$TMP/system/all
	mkdir -p -- "$all" "$CACHE/system" || fail_disk "create a directory in $CACHE"
	for name in $(system_names); do
		fetch_source "$name"
		dpkg-deb -x "$CACHE/downloads/${LOCK_SHA[$name]}" "$all" || fail_disk "unpack ${LOCK_PACKAGE[$name]}"
	done
	{ system_root "$all" "$TMP/system/made/root" && system_dev "$all" "$TMP/system/made/dev" && rm -rf -- "$here" &&
		mv -T -- "$TMP/system/made" "$here"; } || fail_disk "make the system container's files in $here"
	rm -rf -- "$all"
}
