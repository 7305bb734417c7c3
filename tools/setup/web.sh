# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the web page is made of and with: packages of the npm registry, as tools/web.lock pins them. npm fetches them, from
# the registry that this machine's npm is set up with; nothing in them is run. Unpacked into third_party/web/node_modules/.

WEB_LOCK=${STARINA_WEB_LOCK:-$ROOT/tools/web.lock}
# Change this when unpack_web changes what it takes.
WEB_RECIPE=1

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
	[[ -f $new && $(sha512_of "$new") == "$3" ]] ||
		fail "$1 $2 from the npm registry is not the file that tools/web.lock pins (other SHA-512): refused" \
			"try again; if it stays so, ask on another network"
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

# setup_web PURPOSE: fetches and unpacks what is missing. Silent when there is nothing to do. Without npm, PURPOSE run does
# without the page.
setup_web() {
	local name version sha entries here=$ROOT/third_party/web new=$ROOT/third_party/.web.new
	web_missing || return 0
	if [[ $1 == run ]] && ! command -v npm >/dev/null; then
		say "the web page is left out: there is no npm to fetch what it is made of (Debian: apt-get install npm)"
		return
	fi
	cache_open
	entries=$(web_entries) || exit
	rm -rf -- "$new"
	mkdir -p -- "$new/node_modules" || fail_disk "create $new" "$ROOT"
	while read -r name version sha <&3; do
		fetch_web "$name" "$version" "$sha"
		unpack_web "$name" "$sha" "$new/node_modules" || fail_disk "unpack $name into $new" "$ROOT"
	done 3<<<"$entries"
	name_web_tools "$new" || fail "tools/web.lock has no esbuild or tsc for this machine ($(dpkg --print-architecture))" \
		"add a line for it: npm view @esbuild/linux-MACHINE version dist.integrity"
	{ web_stamp >"$new/.stamp" && rm -rf -- "$here" && mv -T -- "$new" "$here"; } ||
		fail_disk "unpack the web page's packages into $here" "$ROOT"
}
