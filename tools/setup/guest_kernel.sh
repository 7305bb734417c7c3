# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The Linux kernel that runs in VMs: built once from the pinned source, guest/kernel/kernel.config and the patches beside
# it, kept in the cache under a key of everything that shapes it, and copied into third_party/guest-kernel/.

GUEST_CONFIG=$ROOT/guest/kernel/kernel.config
GUEST_PATCHES=$ROOT/guest/kernel/patches
GUEST_CROSS=riscv64-linux-gnu-
# Change this when build_guest_kernel changes what comes out.
GUEST_RECIPE=1
# Compiler and assembler runs of one build, for the progress line only.
GUEST_OBJECTS=970
# The unpacked source and its objects.
GUEST_BUILD_MIB=2300
# Where it is built.
GUEST_WORK=

# guest_patches: the patches' paths, in the order that they are applied in.
guest_patches() {
	[[ ! -d $GUEST_PATCHES ]] || find "$GUEST_PATCHES" -name '*.patch' | LC_ALL=C sort
}

# guest_kernel_key: hash over source, patches, configuration, compiler, linker and recipe.
guest_kernel_key() {
	{
		printf '%s\n' "${LOCK_SHA[linux]}" "$GUEST_RECIPE"
		"${GUEST_CROSS}gcc" --version
		"${GUEST_CROSS}ld" --version
		# Comments and the order of lines change nothing.
		grep '^CONFIG_' -- "$GUEST_CONFIG" | sort
		guest_patches | xargs -r cat --
	} | sha256sum | cut -c 1-32
}

# guest_entry_good DIR: whether a cache entry is whole and undamaged.
guest_entry_good() {
	[[ -f $1/SHA256SUMS ]] && (cd -- "$1" && sha256sum --status --check SHA256SUMS) 2>/dev/null
}

guest_kernel_missing() {
	local here=$ROOT/third_party/guest-kernel key
	command -v "${GUEST_CROSS}gcc" >/dev/null || return 0
	key=$(guest_kernel_key)
	[[ -f $here/.stamp && $(<"$here/.stamp") == "$key" ]] && guest_entry_good "$here" && return 1
	return 0
}

guest_kernel_progress() {
	local count
	count=$(find "$GUEST_WORK/linux" -name '*.o' | wc -l)
	printf 'guest kernel: %d of about %d files compiled' "$count" "$GUEST_OBJECTS"
}

# check_guest_config CONFIG: ends setup.sh, naming each option of the fragment that CONFIG does not have as asked.
check_guest_config() {
	local option value got lost=()
	while IFS='=' read -r option value; do
		[[ $option == CONFIG_* ]] || continue
		got=$(sed -n "s/^$option=//p" "$1")
		[[ ${got:-n} == "$value" ]] || lost+=("$option=$value (is ${got:-n})")
	done <"$GUEST_CONFIG"
	[[ ${#lost[@]} -eq 0 ]] || fail "the guest kernel's configuration does not hold what $GUEST_CONFIG asks for:" \
		"${lost[@]}" "an option is gone or needs another: see its Kconfig entry and correct the file"
}

# guest_make ARGS...: make in the source tree, the same output for the same input.
guest_make() {
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS LC_ALL=C LOCALVERSION='' KBUILD_BUILD_USER=starina \
		KBUILD_BUILD_HOST=starina KBUILD_BUILD_VERSION=1 \
		KBUILD_BUILD_TIMESTAMP='Thu Jan 1 00:00:00 UTC 1970' \
		nice make -C "$GUEST_WORK/linux" ARCH=riscv CROSS_COMPILE="$GUEST_CROSS" "$@"
}

unpack_guest_source() {
	local deb=$CACHE/downloads/${LOCK_SHA[linux]} package=${LOCK_PACKAGE[linux]}
	rm -rf -- "$GUEST_WORK"
	mkdir -p -- "$GUEST_WORK/linux" || return
	# The source is a tar in the .deb. Left out is bulk that this build never reads.
	dpkg-deb --fsys-tarfile "$deb" | tar -x -O "./usr/src/$package.tar.xz" | xz -d -T0 |
		tar -x -C "$GUEST_WORK/linux" --strip-components=1 --no-same-owner \
			--exclude='*/drivers/gpu/drm/amd/include' --exclude='*/tools/testing' \
			--exclude='*/Documentation/*/*' --exclude='*/arch/arm*/boot/dts' &&
		patch_guest_source && : >"$GUEST_WORK/unpacked"
}

# Each has to apply as it is: the source is pinned.
patch_guest_source() {
	local file
	while IFS= read -r file; do
		patch -d "$GUEST_WORK/linux" -p1 --batch --forward --fuzz=0 <"$file" || return
	done < <(guest_patches)
}

configure_guest_kernel() {
	guest_make tinyconfig &&
		(cd -- "$GUEST_WORK/linux" && ARCH=riscv scripts/kconfig/merge_config.sh -m .config "$GUEST_CONFIG") &&
		guest_make olddefconfig
}

guest_failed() {
	tail -n 20 -- "$1" >&2
	(($(free_mib "$CACHE") > 20)) || fail_disk "build the guest kernel"
	fail "$2; the lines above are the end of $1"
}

# no_progress LOG: for steps that count nothing.
no_progress() {
	printf 'working'
}

# start_guest_build: source and configuration in $GUEST_WORK, unless a build that was stopped left them there.
start_guest_build() {
	local log=$CACHE/logs/guest-kernel.log file=$CACHE/downloads/${LOCK_SHA[linux]} mib=$GUEST_BUILD_MIB other
	for other in "$CACHE"/building/*; do
		[[ $other == "$GUEST_WORK" || ! -e $other ]] ||
			run_long "removing the build of another guest kernel" "$log" no_progress rm -rf -- "$other"
	done
	if [[ -e $GUEST_WORK/configured ]]; then
		say "going on with the guest kernel whose build was stopped"
		return
	fi
	# All of it, before the first byte is fetched.
	[[ -e $file ]] || mib=$((mib + LOCK_SIZE[linux] / 1048576 + 1))
	need_space "$mib" "build the guest kernel"
	fetch_source linux
	[[ -e $GUEST_WORK/unpacked ]] ||
		run_long "unpacking the Linux source" "$log" no_progress unpack_guest_source ||
		guest_failed "$log" "the Linux source could not be unpacked and patched"
	run_long "configuring the guest kernel" "$log" no_progress configure_guest_kernel ||
		guest_failed "$log" "the guest kernel could not be configured"
	check_guest_config "$GUEST_WORK/linux/.config"
	: >"$GUEST_WORK/configured"
}

# build_guest_kernel KEY: makes the cache entry.
build_guest_kernel() {
	local log=$CACHE/logs/guest-kernel.log entry=$TMP/entry src
	GUEST_WORK=$CACHE/building/$1 src=$CACHE/building/$1/linux
	start_guest_build
	run_long "building the guest kernel for the Linux VMs, once: 5 to 10 minutes on two cores" "$log" \
		guest_kernel_progress guest_make -j"${JOBS:-$(nproc)}" Image ||
		guest_failed "$log" "the guest kernel could not be built"
	{ mkdir -- "$entry" &&
		cp -- "$src/arch/riscv/boot/Image" "$src/vmlinux" "$entry/" &&
		cp -- "$src/.config" "$entry/config" &&
		(cd -- "$entry" && sha256sum Image vmlinux config >SHA256SUMS) &&
		chmod 644 "$entry"/* && sync -f "$entry"; } || fail_disk "store the guest kernel"
	rm -rf -- "${CACHE:?}/guest-kernel/$1"
	mv -T -- "$entry" "$CACHE/guest-kernel/$1" || fail_disk "store the guest kernel"
	run_long "removing what the build needed" "$log" no_progress rm -rf -- "$GUEST_WORK"
}

# setup_guest_kernel: builds what is missing and puts it into the checkout.
setup_guest_kernel() {
	local key entry here=$ROOT/third_party/guest-kernel new=$ROOT/third_party/.guest-kernel.new
	guest_kernel_missing || return 0
	cache_open
	key=$(guest_kernel_key)
	entry=$CACHE/guest-kernel/$key
	if [[ -e $entry ]] && ! guest_entry_good "$entry"; then
		say "the cached guest kernel $entry is damaged; building it again"
		rm -rf -- "$entry"
	fi
	[[ -e $entry ]] || build_guest_kernel "$key"
	{ mkdir -p -- "$ROOT/third_party" && rm -rf -- "$new" && cp -r --reflink=auto -- "$entry" "$new" &&
		printf '%s\n' "$key" >"$new/.stamp" && rm -rf -- "$here" && mv -T -- "$new" "$here"; } || {
		rm -rf -- "$new"
		fail_disk "copy the guest kernel into $here" "$ROOT"
	}
	say "guest kernel: Linux ${LOCK_VERSION[linux]} in third_party/guest-kernel"
}
