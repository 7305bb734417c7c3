#!/bin/sh
# SPDX-License-Identifier: MIT
#
# One of two containers that work on one volume, in /v, at the same time: volume_pair.sh ME OTHER FIRST, which are "a b 1" and "b a 0".
# Says "ok WON", the number of folders that it made first, or what differed.
me=$1 other=$2 first=$3
cd /v || exit 1

fail() {
	echo "$me: $*"
	exit 1
}

# Waits until a command says yes: what the other did is seen after some seconds.
until_so() {
	tries=0
	until "$@" 2>/dev/null; do
		tries=$((tries + 1))
		[ "$tries" -lt 300 ] || fail "this never came: $*; there are $(ls -l)"
		sleep 0.2
	done
}

# Goes on when both are here.
meet() {
	: >"met.$1.$me"
	until_so test -e "met.$1.$other"
}

has() {
	[ "$(cat "$1")" = "$2" ]
}

begins_with() {
	[ "$(head -n 1 "$1")" = "$2" ]
}

ends_with() {
	[ "$(tail -n 1 "$1")" = "$2" ]
}

# stat's format, file, value.
is() {
	[ "$(stat -c "$1" "$2")" = "$3" ]
}

is_gone() {
	! [ -e "$1" ]
}

names_that_both_want() {
	won=0
	for i in $(seq 30); do
		if mkdir "folder$i" 2>/dev/null; then won=$((won + 1)); fi
	done
	for i in $(seq 30); do
		[ -d "folder$i" ] || fail "folder$i is missing"
	done
}

# Of a length that divides a page's, for Linux may cut a line that reaches over a page of the file.
lines_at_the_end() {
	for i in $(seq 150); do
		printf '%s %025d end\n' "$me" "$i" >>log
	done
	meet appended
	until_so is %s log 9600
	for who in a b; do
		[ "$(grep "^$who 0*[0-9]* end\$" log | md5sum)" = "$(for i in $(seq 150); do printf '%s %025d end\n' "$who" "$i"; done | md5sum)" ] ||
			fail "of the lines of $who there are $(grep -c "^$who 0*[0-9]* end\$" log)"
	done
}

# A file that appears by a rename is whole; one that is replaced has the new content.
renames() {
	for i in 1 2 3; do
		seq "$i" 20000 >"new.$me"
		mv "new.$me" "seq.$me"
		meet "moved$i"
		until_so begins_with "seq.$other" "$i"
		[ "$(seq "$i" 20000 | md5sum)" = "$(md5sum <"seq.$other")" ] || fail "seq.$other is not whole in round $i"
		meet "read$i"
	done
}

# What one has read, the other changes: longer, as long as before, shorter, other mode, moved, removed.
changes() {
	if [ "$first" = 1 ]; then
		echo 1 >file
		chmod 600 file
	fi
	meet made
	until_so has file 1
	meet seen1
	for text in longer LONGER 2; do
		[ "$first" = 1 ] && echo "$text" >file
		until_so has file "$text"
		meet "seen.$text"
	done
	[ "$first" = 1 ] || chmod 640 file
	until_so is %a file 640
	meet mode
	[ "$first" = 1 ] && ln file link && mv file folder1/moved
	until_so has folder1/moved 2
	until_so is_gone file
	meet moved
	[ "$first" = 1 ] || rm folder1/moved
	until_so is_gone folder1/moved
	until_so is %h link 1
	has link 2 || fail "the link has $(cat link)"
	meet removed
}

# A file that is open stays as it is when the other removes it, or puts another in its place.
open_and_removed() {
	seq 30000 >"held.$me"
	meet "held"
	until_so ends_with "held.$other" 30000
	exec 3<"held.$other"
	exec 4>>"held.$other"
	read -r line <&3
	[ "$line" = 1 ] || fail "the first line is $line"
	meet "opened"
	if [ "$first" = 1 ]; then rm "held.$me"; else echo new >t && mv t "held.$me"; fi
	meet "unlinked"
	echo more >&4
	{ echo 1; cat <&3; } | md5sum >"sum.$me"
	[ "$({ seq 30000; echo more; } | md5sum)" = "$(cat "sum.$me")" ] || fail "what was open is not whole"
	exec 3<&- 4>&-
	if [ "$first" = 1 ]; then until_so has held.b new; else until_so is_gone held.a; fi
	meet "closed"
}

# The folder that one works in is removed by the other.
folder_removed() {
	if [ "$first" = 1 ]; then
		mkdir here
		cd here || fail "no folder"
		: >../met.here.a
		until_so is_gone ../here
		! echo x 2>/dev/null >file || fail "a file in a folder that is gone"
		cd /v || fail "/v is gone"
	else
		until_so test -e met.here.a
		rmdir here || fail "the folder cannot be removed"
	fi
	meet gone
}

lists() {
	[ "$(ls "$1")" = "$2" ]
}

# What comes into a folder is listed, whatever time the folder is given then.
folder_with_a_time() {
	if [ "$first" = 1 ]; then
		mkdir dated
		touch -d @1000000000 dated
	fi
	meet dated
	until_so is %Y dated 1000000000
	[ -z "$(ls dated)" ] || fail "there is $(ls dated) in the new folder"
	meet listed
	if [ "$first" = 1 ]; then
		: >dated/new
		touch -d @1000000000 dated
	fi
	meet filled
	until_so lists dated new
	is %Y dated 1000000000 || fail "the folder's time is $(stat -c %Y dated)"
	meet found
}

meet begun
names_that_both_want
lines_at_the_end
renames
changes
open_and_removed
folder_removed
folder_with_a_time
echo "ok $won"
