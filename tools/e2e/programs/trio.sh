#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs in three containers, and is something else in each, by its address: a database, a web server that counts in it, and a
# client that asks both, and ends them.
set -u
database=10.0.2.101
web=10.0.2.102
rounds=20

own=
while read -r address _; do
	[[ $address != 10.0.2.* ]] || own=$address
done </etc/hosts

client() {
	local i
	until [[ $(redis-cli -h $database ping 2>&1) == PONG ]]; do sleep 0.2; done
	until wget -q -t 1 -T 600 -O /dev/null http://$web/; do sleep 0.2; done
	ping -q -c 2 -i 0.2 -W 120 $database && ping -q -c 2 -i 0.2 -W 120 $web || return 2
	for ((i = 1; i <= rounds; i++)); do
		[[ $(wget -q -O - http://$web/count) == "$i" ]] || return 3
	done
	[[ $(redis-cli -h $database get count) == "$rounds" ]] || return 4
	wget -q -O - http://$web/quit || return 5
	redis-cli -h $database shutdown nosave || return 6
}

case $own in
"$database") exec redis-server --bind 0.0.0.0 --protected-mode no --save '' ;;
"$web") DATABASE=$database exec node /app/counter.js ;;
*) client ;;
esac
