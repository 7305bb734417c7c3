#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# web_image.sh BUILD "ENTRY..." "WORKER...": bundles the web page into BUILD/web/, checks its size, and packs it into
# BUILD/web.img: a ustar whose files are compressed each (gzip), so that the OS sends them as they are. What the entries share
# is in files of its own; a worker is one file.
set -euo pipefail

build=$1
read -ra entries <<<"$2"
read -ra workers <<<"$3"
page=$build/web packed=$build/gen/web-packed
rm -rf -- "$page" "$packed"
mkdir -p -- "$page" "$packed"
bundle() {
	third_party/web/esbuild "$@" --bundle --format=esm --target=es2022 --minify --charset=utf8 \
		--tsconfig=web/tsconfig.json --legal-comments=none --log-level=warning --outdir="$page" --entry-names='[name]'
}
bundle "${entries[@]}" --splitting --chunk-names='chunk-[hash]' --metafile="$build/gen/web.json"
bundle "${workers[@]}" --alias:starina-types="$PWD/$build/gen/web_types.json" --metafile="$build/gen/web_workers.json"
cp -- web/icon.svg "$page/"
tools/build/web_index.py "$build/gen/web.json" web/index.html "$page/index.html"
tools/build/web_licenses.py "$page/LICENSES.txt" "$build/gen/web.json" "$build/gen/web_workers.json"
tools/build/web_sizes.py "$build/gen/web.json" "$page"
for file in "$page"/*; do
	gzip -9 -n -c -- "$file" >"$packed/${file##*/}"
done
(cd -- "$packed" && tar --format=ustar --sort=name --owner=0 --group=0 --numeric-owner --mode=644 --mtime=@0 -cf - -- *) \
	>"$build/web.img.new"
mv -- "$build/web.img.new" "$build/web.img"
