#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs in a container: nginx with Debian's configuration, asked over both loopback addresses, and ended as its users do.
nginx -g "daemon off;" &
until wget -q -t 1 -O /dev/null http://127.0.0.1/; do
	kill -0 $! || exit 1
	sleep 0.1
done
for url in "http://127.0.0.1/" "http://[::1]/"; do
	case $(wget -q -O - "$url") in
	*"Welcome to nginx!"*) echo "$url Welcome" ;;
	esac
done
wget -q -O /dev/null "http://[::1]/none"
[ $? != 8 ] || echo "http://[::1]/none 404"
nginx -s quit
wait $!
echo "ended $?"
