#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs in a container, as the user postgres: postgres.sh DIRECTORY ROWS [hold] makes a database there, if there is none, adds
# rows to it, restarts the server, and prints how many there are. Then it ends, or waits with the server at work.
set -eu
data=$1
rows=$2
hold=${3:-}
[ -e "$data/PG_VERSION" ] || initdb -D "$data" --auth=trust --no-instructions >/tmp/initdb.log || {
	cat /tmp/initdb.log
	exit 1
}
start() {
	pg_ctl -D "$data" -w -t 300 -l /tmp/server.log start >/dev/null || { cat /tmp/server.log; exit 1; }
}
start
psql -qAt -v ON_ERROR_STOP=1 postgres <<EOF
CREATE TABLE IF NOT EXISTS numbers (id serial PRIMARY KEY, n int, word text);
BEGIN;
INSERT INTO numbers (n, word) SELECT n, md5(n::text) FROM generate_series(1, $rows) n;
COMMIT;
BEGIN;
DELETE FROM numbers;
ROLLBACK;
EOF
pg_ctl -D "$data" -w -t 300 -m fast restart -l /tmp/server.log >/dev/null
psql -qAt postgres -c "SELECT 'rows', count(*), count(DISTINCT word) FROM numbers"
[ -z "$hold" ] || exec sleep infinity
pg_ctl -D "$data" -w -t 300 -m fast stop >/dev/null
