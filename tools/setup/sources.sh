# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Sources of other projects: pinned in tools/deps.lock, fetched from the Debian mirror that this machine's apt uses,
# verified, unpacked into third_party/. The machine's own package sources are only read.

LOCK=${STARINA_LOCK:-$ROOT/tools/deps.lock}
APT_HELPER=/usr/lib/apt/apt-helper
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
# Change this when unpack_one changes what it takes.
UNPACK_RECIPE=1
# What is unpacked into third_party/; Linux is built instead.
UNPACKED=(lwip libfdt cjson quickjs picolibc busybox)
# Of binary packages that run in the guest.
GUEST_ARCH=riscv64
# The base address of the package mirror, once it has been looked up.
MIRROR=
# 1: some of the file that is fetched was there from an earlier run.
RESUMED=0

LOCK_SUITE=
LOCK_NAMES=()
declare -A LOCK_KIND LOCK_PACKAGE LOCK_VERSION LOCK_SIZE LOCK_SHA LOCK_PATH

# lock_read: reads and checks the lock file.
lock_read() {
	local name kind package version size sha path rest n=0
	[[ -r $LOCK ]] || fail "there is no lock file $LOCK" "get it back with: git checkout -- tools/deps.lock"
	while read -r name kind package version size sha path rest; do
		n=$((n + 1))
		case $name in
		'' | '#'*) continue ;;
		suite)
			LOCK_SUITE=$kind
			continue
			;;
		esac
		[[ $kind =~ ^(source|binary|guest|system)$ && $size =~ ^[0-9]+$ && $sha =~ ^[0-9a-f]{64}$ && -z $rest &&
			$path =~ ^pool/[A-Za-z0-9+.~_/-]+$ && $path != *..* ]] ||
			fail "$LOCK:$n: not a valid entry for '$name'" \
				"wanted: name, source|binary|guest|system, package, version, size, SHA-256 (64 hex digits), pool/... path" \
				"get it back with: git checkout -- tools/deps.lock"
		LOCK_NAMES+=("$name")
		LOCK_KIND[$name]=$kind LOCK_PACKAGE[$name]=$package LOCK_VERSION[$name]=$version
		LOCK_SIZE[$name]=$size LOCK_SHA[$name]=$sha LOCK_PATH[$name]=$path
	done <"$LOCK"
	for name in "${UNPACKED[@]}" linux; do
		[[ -n ${LOCK_SHA[$name]:-} ]] || fail "$LOCK has no entry for $name" \
			"get it back with: git checkout -- tools/deps.lock"
	done
}

# find_mirror: prints the base address of the Debian mirror that this machine is set up with (STARINA_MIRROR: another).
find_mirror() {
	local uri
	uri=${STARINA_MIRROR:-$(apt-get indextargets --format "\$(REPO_URI) \$(RELEASE)" 'Created-By: Packages' |
		awk 'tolower($0) !~ /security|backports|cdrom:/ { print $1; exit }')}
	# Debian's cloud images name a file that lists mirrors.
	if [[ $uri == mirror+file:* ]]; then
		uri=$(awk '!/^#/ && NF { print $1; exit }' "/${uri#mirror+file:/}")
	fi
	# apt-helper only links what a file: address names.
	[[ $uri != file:* ]] || uri=copy:${uri#file:}
	printf '%s' "${uri%/}"
}

# private_apt TOOL ARGS...: apt with a configuration, lists and cache of its own under $TMP/apt.
private_apt() {
	local tool=$1 arch dir=$TMP/apt
	shift
	arch=$(dpkg --print-architecture)
	mkdir -p -- "$dir/lists/partial" "$dir/cache/archives/partial"
	printf "deb [signed-by=$KEYRING] %s %s main\ndeb-src [signed-by=$KEYRING] %s %s main\n" \
		"$MIRROR" "$LOCK_SUITE" "$MIRROR" "$LOCK_SUITE" >"$dir/sources.list"
	"$tool" -q -o Dir::Etc::SourceList="$dir/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
		-o Dir::State::Lists="$dir/lists" -o Dir::State::status=/dev/null -o Dir::Cache="$dir/cache" \
		-o APT::Architecture="$arch" -o APT::Architectures="$arch,$GUEST_ARCH" -o APT::Sandbox::User=root \
		-o Acquire::Languages=none "$@"
}

# private_lists: fetches the package lists of the lock's suite, once a run.
private_lists() {
	[[ ! -e $TMP/apt/updated ]] || return 0
	private_apt apt-get update >"$CACHE/logs/apt-lists.log" 2>&1 || {
		tail -n 5 -- "$CACHE/logs/apt-lists.log" >&2
		return 1
	}
	# apt-get update is content with less than everything.
	! grep -q '^[EW]: Failed to fetch' "$CACHE/logs/apt-lists.log" || return 1
	: >"$TMP/apt/updated"
}

# newest NAME: prints version, size, sha256 and path of what the mirror has now.
newest() {
	local package=${LOCK_PACKAGE[$1]}
	[[ ! ${LOCK_KIND[$1]} =~ ^(guest|system)$ ]] || package+=:$GUEST_ARCH
	if [[ ${LOCK_KIND[$1]} == source ]]; then
		private_apt apt-cache showsrc --only-source "$package" | awk '
			/^Version:/ { version = $2 }
			/^Directory:/ { dir = $2 }
			/^[^ ]/ { sums = /^Checksums-Sha256:/ }
			sums && $3 ~ /\.orig\.tar\.[a-z0-9]+$/ { sha = $1; size = $2; file = $3 }
			/^$/ { show() }
			END { show() }
			function show() { if (version && file) print version, size, sha, dir "/" file; version = file = "" }'
	else
		private_apt apt-cache show --no-all-versions "$package" | awk '
			/^Version:/ { version = $2 }
			/^Size:/ { size = $2 }
			/^SHA256:/ { sha = $2 }
			/^Filename:/ { file = $2 }
			END { if (version && file) print version, size, sha, file }'
	fi | sort -V | tail -n 1
}

# partial_clean: removes what the lock does not name.
partial_clean() {
	local path
	for path in "$CACHE"/partial/*; do
		[[ " ${LOCK_SHA[*]} " == *" ${path##*/} "* ]] || rm -f -- "$path"
	done
}

# fetch_damaged FILE: removes what is not what it should be. Fails.
fetch_damaged() {
	rm -f -- "$1" "$1.FAILED"
	return 1
}

# fetch_failed NAME LOG: says why NAME could not be fetched and ends; never takes another version.
fetch_failed() {
	local name=$1 version _rest
	local what="${LOCK_PACKAGE[$1]} ${LOCK_VERSION[$1]}"
	if grep -q 'Hash Sum mismatch\|unexpected size' "$2"; then
		fetch_damaged "$CACHE/partial/${LOCK_SHA[$name]}" || true
		fail "$what from the mirror $MIRROR is not the file that tools/deps.lock pins (other SHA-256): refused" \
			"wanted ${LOCK_SHA[$name]} for ${LOCK_PATH[$name]}" \
			"try again; if it stays so, ask on another network, or see what changed with: ./setup.sh --update-lock"
	fi
	# Too small a margin for the file itself: writing it is what failed.
	(($(free_mib "$CACHE") > LOCK_SIZE[$name] / 1048576 + 1)) || fail_disk "store $what in the cache"
	if private_lists && read -r version _rest < <(newest "$name") && [[ -n $version ]]; then
		if [[ $version != "${LOCK_VERSION[$name]}" ]]; then
			fail "the mirror no longer has $what, which tools/deps.lock pins; the newest there is $version" \
				"to take that one, run: ./setup.sh --update-lock && ./setup.sh"
		fi
	fi
	tail -n 3 -- "$2" >&2
	fail "$what could not be fetched from $MIRROR/${LOCK_PATH[$name]}" \
		"check the network and the machine's package mirror, then run ./setup.sh again, or name another" \
		"mirror: STARINA_MIRROR=http://HOST/debian ./setup.sh"
}

# fetch_once NAME: fetches it into $DOWNLOAD, or what is missing of it there.
fetch_once() {
	run_long "fetching ${LOCK_PACKAGE[$1]} ${LOCK_VERSION[$1]} ($((LOCK_SIZE[$1] / 1024)) KiB)" "$CACHE/logs/fetch.log" \
		fetch_progress "$APT_HELPER" -o APT::Sandbox::User=root -o Acquire::Retries=2 download-file \
		"$MIRROR/${LOCK_PATH[$1]}" "$DOWNLOAD" "SHA256:${LOCK_SHA[$1]}"
}

# fetch_again NAME: fetches all of it, if some of it was there from an earlier run: that may have been wrong.
fetch_again() {
	((RESUMED)) || return
	rm -f -- "$DOWNLOAD" "$DOWNLOAD.FAILED"
	fetch_once "$1"
}

# fetch_source NAME: makes sure that the cache has NAME's file, verified.
fetch_source() {
	local name=$1 sha=${LOCK_SHA[$1]} log=$CACHE/logs/fetch.log
	local file=$CACHE/downloads/$sha new
	cache_open
	# What was fetched of it before is not fetched again.
	new=$CACHE/partial/$sha
	if [[ -e $file ]]; then
		[[ $(sha256_of "$file") != "$sha" ]] || return 0
		say "the cached ${LOCK_PACKAGE[$name]} (downloads/$sha) is damaged; fetching it again"
		rm -f -- "$file"
	fi
	RESUMED=0
	[[ ! -s $new ]] || RESUMED=1
	partial_clean
	MIRROR=${MIRROR:-$(find_mirror)}
	[[ -n $MIRROR ]] || fail "this machine's apt knows no Debian mirror to fetch ${LOCK_PACKAGE[$name]} from" \
		"name one: STARINA_MIRROR=http://HOST/debian ./setup.sh"
	DOWNLOAD=$new DOWNLOAD_SIZE=${LOCK_SIZE[$name]}
	fetch_once "$name" || fetch_again "$name" || fetch_failed "$name" "$log"
	# apt-helper checked it; this is the one check that does not depend on apt.
	[[ $(sha256_of "$new") == "$sha" ]] || fetch_damaged "$new" ||
		fail "${LOCK_PACKAGE[$name]} has another SHA-256 than tools/deps.lock says"
	{ sync -- "$new" && mv -- "$new" "$file"; } || fail_disk "store ${LOCK_PACKAGE[$name]} in the cache"
}

fetch_progress() {
	local size
	size=$(stat -c %s -- "$DOWNLOAD" 2>/dev/null || printf 0)
	printf 'fetched %d of %d KiB' $((size / 1024)) $((DOWNLOAD_SIZE / 1024))
}

source_stamp() {
	printf '%s %s\n' "${LOCK_SHA[$1]}" "$UNPACK_RECIPE"
}

source_missing() {
	local stamp=$ROOT/third_party/$1/.stamp
	[[ ! -f $stamp || $(<"$stamp") != "$(source_stamp "$1")" ]]
}

# unpack_one NAME DIR: what is needed of NAME, into the empty directory DIR.
unpack_one() {
	local strip=1 members=() file=$CACHE/downloads/${LOCK_SHA[$1]}
	case $1 in
	busybox)
		dpkg-deb --fsys-tarfile "$file" | tar -x -C "$2" --strip-components=3 --no-same-owner \
			./usr/bin/busybox ./usr/share/doc/busybox-static/copyright || return
		mv -- "$2/doc/busybox-static/copyright" "$2/COPYRIGHT" && rm -r -- "$2/doc"
		return
		;;
	lwip) members=('*/COPYING' '*/src/core' '*/src/include' '*/src/netif' '*/src/api') ;;
	libfdt) strip=2 members=('*/libfdt/*.c' '*/libfdt/*.h') ;;
	cjson) members=('*/LICENSE' '*/cJSON.c' '*/cJSON.h') ;;
	quickjs) members=('*/LICENSE' '*/VERSION' '*/*.c' '*/*.h' '*/tests/*.js') ;;
	picolibc) members=('*/COPYING.NEWLIB' '*/COPYING.picolibc' '*/newlib/libc' '*/newlib/libm') ;;
	esac
	tar -x -f "$file" -C "$2" --strip-components="$strip" --no-same-owner \
		--wildcards "${members[@]}"
}

# setup_sources: fetches and unpacks what is missing in third_party/.
setup_sources() {
	local name here new
	for name in "${UNPACKED[@]}"; do
		source_missing "$name" || continue
		fetch_source "$name"
		here=$ROOT/third_party/$name new=$ROOT/third_party/.$name.new
		rm -rf -- "$new"
		{ mkdir -p -- "$new" && unpack_one "$name" "$new" && source_stamp "$name" >"$new/.stamp" &&
			rm -rf -- "$here" && mv -T -- "$new" "$here"; } || {
			rm -rf -- "$new"
			fail_disk "unpack ${LOCK_PACKAGE[$name]} into $here" "$ROOT"
		}
	done
}

# update_lock: pins the newest that the mirror has; shows the difference.
update_lock() {
	local name version size sha path new
	cache_open
	MIRROR=$(find_mirror)
	[[ -n $MIRROR ]] || fail "this machine's apt knows no Debian mirror" \
		"name one: STARINA_MIRROR=http://HOST/debian ./setup.sh --update-lock"
	say "reading the package lists of $LOCK_SUITE from $MIRROR"
	private_lists || fail "the package lists of $LOCK_SUITE could not be fetched from $MIRROR" \
		"check the network, or name another mirror: STARINA_MIRROR=http://HOST/debian"
	new=$TMP/deps.lock
	sed -n '/^#/p' "$LOCK" >"$new"
	printf 'suite %s\n' "$LOCK_SUITE" >>"$new"
	for name in "${LOCK_NAMES[@]}"; do
		read -r version size sha path < <(newest "$name") ||
			fail "$LOCK_SUITE has no package ${LOCK_PACKAGE[$name]} on $MIRROR; the lock stays as it is" \
				"change the package's name in tools/deps.lock by hand (Linux: another major version)"
		printf '%s %s %s %s %s %s %s\n' "$name" "${LOCK_KIND[$name]}" "${LOCK_PACKAGE[$name]}" \
			"$version" "$size" "$sha" "$path" >>"$new"
	done
	if cmp -s -- "$LOCK" "$new"; then
		say "tools/deps.lock already pins the newest of everything"
		return
	fi
	diff -u -- "$LOCK" "$new" | grep '^[-+][^-+]' || true
	{ cp -- "$new" "$LOCK.new" && mv -- "$LOCK.new" "$LOCK"; } || fail_disk "write $LOCK" "$ROOT"
	say "tools/deps.lock updated; now run: ./setup.sh && make test"
}
