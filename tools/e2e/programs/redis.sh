#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs in a container: redis-server, and redis-benchmark against it. Prints "value V" and "done".
set -eu
redis-server --save '' --appendonly no >/tmp/log 2>&1 &
until [ "$(redis-cli ping 2>/dev/null)" = PONG ]; do
	sleep 0.1
	kill -0 $! || { cat /tmp/log; exit 1; }
done
redis-benchmark -q --csv -n 1000 -c 20 -t ping_inline,set,get,incr,lpush,zadd,mset
echo "value $(redis-cli incrby total 41) $(redis-cli incr total)"
redis-cli shutdown nosave
wait
echo "done"
