# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Common to the parts of setup.sh: messages, the cache, checksums, progress of long steps.
#
# The cache outlives checkouts and is shared by all of a user's:
#   downloads/<sha256>          files from the mirror
#   npm/<sha512>                packages from the npm registry
#   system/<key>/               what the system container is made of
#   guest-kernel/<key>/         Image, vmlinux, config, SHA256SUMS
#   tmp/                        what is being made; entries are renamed out of here when they are whole
#   partial/<sha256>            files from the mirror that are not whole yet; the next run goes on with them
#   building/<key>/             a guest kernel that is being built; the next run goes on with it
#   logs/                       full output of the long steps

CACHE=${STARINA_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/starina}
readonly CACHE

# say TEXT...: one line to the user.
say() {
	printf 'setup: %s\n' "$*" >&2
}

# fail TEXT...: says what is wrong and what to do, and ends setup.sh.
fail() {
	local line
	printf 'setup: error: %s\n' "$1" >&2
	shift
	for line in "$@"; do
		printf 'setup:        %s\n' "$line" >&2
	done
	exit 1
}

# One directory a run for unfinished things, gone at exit whatever happens.
TMP=

cleanup() {
	[[ -z $TMP ]] || rm -rf -- "$TMP"
}

# stop_traps COMMANDS: what is done when setup.sh is stopped, before it ends (and cleans up).
stop_traps() {
	local name
	for name in HUP INT TERM; do
		# shellcheck disable=SC2064 # expanded now, for this step
		trap "$1 stopped $name" "$name"
	done
}

# stopped SIGNAL: ends setup.sh, as a program does that the signal ends.
stopped() {
	[[ ! -t 2 ]] || printf '\r\e[K' >&2
	say "stopped; what is done so far is kept, and ./setup.sh goes on from there"
	exit $((128 + $(kill -l "$1")))
}

# cache_open: creates the cache, takes its lock for the rest of the run, makes TMP. May be called again.
# Blocks while another setup.sh works on the same cache.
cache_open() {
	[[ -z $TMP ]] || return 0
	{ mkdir -p -- "$CACHE" && cd -- "$CACHE" && mkdir -p downloads partial building guest-kernel tmp logs && cd -- "$OLDPWD"; } ||
		fail "cannot create the cache directory $CACHE" \
			"make that possible, or name another place: STARINA_CACHE=DIR ./setup.sh"
	exec 9>"$CACHE/lock" || fail "cannot write to the cache directory $CACHE" \
		"make it yours, or name another place: STARINA_CACHE=DIR ./setup.sh"
	if ! flock -n 9; then
		say "another setup.sh works on $CACHE; waiting for it"
		flock 9
	fi
	# Under the lock nobody else has anything here: these are remains of a killed run.
	rm -rf -- "$CACHE"/tmp/*
	TMP=$(mktemp -d -- "$CACHE/tmp/run.XXXXXX") || fail_disk "create a directory in $CACHE/tmp"
	trap cleanup EXIT
	stop_traps ''
}

# free_mib DIR: free space there, in MiB.
free_mib() {
	df --output=avail --block-size=1M -- "$1" | tail -n 1 | tr -d ' '
}

# fail_disk WHAT [DIR]: ends after a failed write; names a full disk when that is the likely cause.
fail_disk() {
	local dir=${2:-$CACHE} mib
	mib=$(free_mib "$dir")
	fail "could not $1" "$dir has $mib MiB free; if that is too little, free some," \
		"or keep the cache elsewhere: STARINA_CACHE=DIR ./setup.sh. Nothing half-done was left."
}

# need_space MIB WHAT: ends before a step that could not finish.
need_space() {
	local mib
	mib=$(free_mib "$CACHE")
	((mib >= $1)) || fail "the disk is too full to $2: $1 MiB needed, $mib MiB free in $CACHE" \
		"free some space, or keep the cache elsewhere: STARINA_CACHE=DIR ./setup.sh"
}

# check_settings: ends when a STARINA_ variable is none: a misspelt one would be without effect.
check_settings() {
	local name known
	known=$(grep -o -h 'STARINA_[A-Z_]*' -- "$ROOT/setup.sh" "$ROOT/tools/run/usage.txt" | sort -u)
	# run.sh's own, and those of the tests.
	known+=$'\n'STARINA_ROOT$'\n'STARINA_BUILD$'\n'STARINA_LOCK$'\n'STARINA_WEB_LOCK$'\n'STARINA_TEST_CACHE
	for name in $(compgen -e STARINA_); do
		grep -q -x -F -- "$name" <<<"$known" || fail "$name is not a setting" \
			"./setup.sh --help and ./run.sh --help list them; there are:" "$(tr '\n' ' ' <<<"$known")"
	done
}

# sha256_of FILE: its SHA-256 in hex.
sha256_of() {
	local sum
	sum=$(sha256sum <"$1") && printf '%s' "${sum%% *}"
}

# run_long LABEL LOG PROGRESS COMMAND...: runs COMMAND with its output in LOG; PROGRESS is a function that prints how
# far it is. On a terminal one line is kept up to date; elsewhere there is a line every 30 s. Returns COMMAND's status.
run_long() {
	local label=$1 log=$2 progress=$3 started=$SECONDS said=$SECONDS pid status=0
	shift 3
	say "$label (log: $log)"
	# Job control gives COMMAND a process group of its own, so that stopping setup.sh stops all of it. Descriptor 9
	# is the cache's lock: a server that COMMAND starts must not hold it.
	set -m
	"$@" >"$log" 2>&1 9>&- </dev/null &
	pid=$!
	set +m
	stop_traps "kill -- -$pid 2>/dev/null || true; wait $pid || true;"
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.5
		if [[ -t 2 ]]; then
			printf '\r\e[Ksetup: %s, %d s' "$("$progress" "$log")" $((SECONDS - started)) >&2
		elif ((SECONDS - said >= 30)); then
			said=$SECONDS
			say "$("$progress" "$log"), $((SECONDS - started)) s"
		fi
	done
	wait "$pid" || status=$?
	[[ ! -t 2 ]] || printf '\r\e[K' >&2
	stop_traps ''
	return "$status"
}
