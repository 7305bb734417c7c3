#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Makes an OCI image layout of one layer: mklayout.sh ROOT LAYOUT CMD ENV. ROOT is the directory with the root file system, whose
# files become root's; CMD and ENV are JSON arrays. The same content gives the same bytes.
set -euo pipefail

root=$1
layout=$2
cmd=$3
env=$4

rm -rf "$layout"
mkdir -p "$layout/blobs/sha256"

# Moves stdin into the layout as a blob; prints the blob's hash and size.
add_blob() {
	local file hash
	file=$(mktemp "$layout/blob.XXXXXX")
	cat >"$file"
	hash=$(sha256sum <"$file" | cut -d' ' -f1)
	chmod 644 "$file"
	mv "$file" "$layout/blobs/sha256/$hash"
	echo "$hash $(stat -c %s "$layout/blobs/sha256/$hash")"
}

entry=$(tar --create --format=ustar --mtime=@0 --owner=0 --group=0 --numeric-owner \
	--sort=name --directory="$root" . | add_blob)
read -r layer layer_size <<<"$entry"

entry=$(printf '%s' "{\"architecture\":\"riscv64\",\"os\":\"linux\",\
\"config\":{\"Env\":$env,\"Cmd\":$cmd,\"WorkingDir\":\"/\"},\
\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:$layer\"]}}" | add_blob)
read -r config config_size <<<"$entry"

entry=$(printf '%s' "{\"schemaVersion\":2,\
\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\
\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\
\"digest\":\"sha256:$config\",\"size\":$config_size},\
\"layers\":[{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\
\"digest\":\"sha256:$layer\",\"size\":$layer_size}]}" | add_blob)
read -r manifest manifest_size <<<"$entry"

printf '%s' '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
printf '%s' "{\"schemaVersion\":2,\"manifests\":[\
{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\
\"digest\":\"sha256:$manifest\",\"size\":$manifest_size,\
\"platform\":{\"architecture\":\"riscv64\",\"os\":\"linux\"}}]}" >"$layout/index.json"
