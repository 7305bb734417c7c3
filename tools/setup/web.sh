# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the web page is made of and with: packages of the npm registry, as tools/web.lock pins them. npm fetches them, from
# the registry that this machine's npm is set up with; nothing in them is run. Unpacked into third_party/web/node_modules/.

WEB_LOCK=${STARINA_WEB_LOCK:-$ROOT/tools/web.lock}
# Change this when unpack_web changes what it takes.
WEB_RECIPE=1
# The status of a part of this that ends setup.sh.
WEB_REFUSED=3

# web_entries: the packages for this machine, a line each: name, version, SHA-512 in hex.
web_entries() {
	local name version machine integrity rest here n=0
	[[ -r $WEB_LOCK ]] || fail "there is no lock file $WEB_LOCK" "get it back with: git checkout -- tools/web.lock"
	here=$(dpkg --print-architecture)
	while read -r name version machine integrity rest; do
		n=$((n + 1))
		[[ $name && $name != '#'* ]] || continue
		[[ $name =~ ^(@[a-z0-9-]+/)?[a-z0-9-]+$ && $version =~ ^[0-9.]+$ && $machine =~ ^[a-z0-9]+$ &&
			$integrity =~ ^sha512-[A-Za-z0-9+/]{86}==$ && -z $rest ]] ||
			fail "$WEB_LOCK:$n: not a valid entry for '$name'" "wanted: package, version, machine, sha512-..." \
				"get it back with: git checkout -- tools/web.lock"
		[[ $machine != all && $machine != "$here" ]] ||
			printf '%s %s %s\n' "$name" "$version" "$(base64 -d <<<"${integrity#sha512-}" | od -An -v -tx1 | tr -d ' \n')"
	done <"$WEB_LOCK"
}

web_stamp() {
	{
		printf '%s\n' "$WEB_RECIPE"
		dpkg --print-architecture
		cat -- "$WEB_LOCK"
	} | sha256sum | cut -c 1-32
}

web_missing() {
	local stamp=$ROOT/third_party/web/.stamp
	[[ ! -f $stamp || $(<"$stamp") != "$(web_stamp)" ]]
}

# sha512_of FILE: its SHA-512 in hex.
sha512_of() {
	local sum
	sum=$(sha512sum <"$1") && printf '%s' "${sum%% *}"
}

# pack_web NAME VERSION DIR: has npm fetch the package's file into DIR.
pack_web() {
	(cd -- "$3" && npm pack --silent --ignore-scripts "$1@$2")
}

# fetch_web NAME VERSION SHA: makes sure that the cache has the package's file, verified.
fetch_web() {
	local file=$CACHE/npm/$3 dir=$TMP/npm log=$CACHE/logs/npm.log new
	[[ ! -e $file || $(sha512_of "$file") != "$3" ]] || return 0
	rm -rf -- "$dir"
	mkdir -p -- "$dir" "$CACHE/npm" || fail_disk "create a directory in $CACHE"
	run_long "fetching $1 $2 from the npm registry" "$log" no_progress pack_web "$1" "$2" "$dir" || {
		tail -n 5 -- "$log" >&2
		fail "npm could not fetch $1 $2" "check the network and npm's registry (npm config get registry)," \
			"then run ./setup.sh again"
	}
	new=$(find "$dir" -name '*.tgz')
	if [[ ! -f $new || $(sha512_of "$new") != "$3" ]]; then
		(fail "$1 $2 from the npm registry is not the file that tools/web.lock pins (other SHA-512): refused" \
			"try again; if it stays so, ask on another network") || exit "$WEB_REFUSED"
	fi
	{ sync -- "$new" && mv -- "$new" "$file"; } || fail_disk "store $1 in the cache"
}

# unpack_web NAME SHA DIR: the package below DIR. Left out is what only its developers read.
unpack_web() {
	mkdir -p -- "$3/$1" && tar -x -z -f "$CACHE/npm/$2" -C "$3/$1" --strip-components=1 --no-same-owner \
		--exclude='*.map' --exclude='*/locales'
}

# name_web_tools DIR: one name for each program, whatever the machine.
name_web_tools() {
	local path
	for path in @esbuild/*/bin/esbuild @typescript/*/lib/tsc; do
		path=$(cd -- "$1" && compgen -G "node_modules/$path") && ln -s -- "$path" "$1/${path##*/}" || return
	done
}

# have_npm: installs Debian's npm unless there is one. Node.js of other makers comes with it.
have_npm() {
	command -v npm >/dev/null || (setup_packages "${PACKAGES_WEB[@]}")
}

# fill_web DIR: fetches and unpacks the packages there.
fill_web() {
	local name version sha entries
	entries=$(web_entries) || exit "$WEB_REFUSED"
	rm -rf -- "$1"
	mkdir -p -- "$1/node_modules" || fail_disk "create $1" "$ROOT"
	while read -r name version sha <&3; do
		fetch_web "$name" "$version" "$sha"
		unpack_web "$name" "$sha" "$1/node_modules" || fail_disk "unpack $name into $1" "$ROOT"
	done 3<<<"$entries"
	name_web_tools "$1" || fail "tools/web.lock has no esbuild or tsc for this machine ($(dpkg --print-architecture))" \
		"add a line for it: npm view @esbuild/linux-MACHINE version dist.integrity"
	web_stamp >"$1/.stamp" || fail_disk "write $1/.stamp" "$ROOT"
}

# setup_web: fetches and unpacks what is missing. Silent when there is nothing to do. When npm or its registry cannot be had,
# the page is left out, and all else goes on; a package that is not what it should be ends setup.sh.
setup_web() {
	local here=$ROOT/third_party/web new=$ROOT/third_party/.web.new status=0
	web_missing || return 0
	cache_open
	(have_npm && fill_web "$new") || status=$?
	if ((status == 0)); then
		{ rm -rf -- "$here" && mv -T -- "$new" "$here"; } || fail_disk "put the web page's packages into $here" "$ROOT"
		return
	fi
	rm -rf -- "$new"
	((status != WEB_REFUSED)) || exit 1
	say "the web page is left out, and apps in TypeScript cannot be made, for the reason above; to have them, mend that and run ./setup.sh again"
}
