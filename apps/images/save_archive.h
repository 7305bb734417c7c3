// SPDX-License-Identifier: MIT
//
// The archive of docker save: for each image its layers, or one with its whole file system, and its
// configuration; then manifest.json, which says what they are. (docker load, and skopeo's
// docker-archive, read it.)
#pragma once

#include "apps/images/record.h"
#include "libs/base/span.h"
#include "libs/json/json.h"

#define SAVE_BLOCK 512u
// Of a configuration's digest as text, with a NUL.
#define SAVE_DIGEST_MAX 72u

// An image that is saved.
struct save_item {
	char id[IMAGE_ID_MAX];
	struct string_list tags;  // as docker shows them
};

// Appends the header of an entry. (POSIX.1-2017, pax, "ustar Interchange Format"; sizes from 8 GiB
// on as GNU tar has them)
void save_write_header(struct json_writer *w, const char *name, uint64_t size);
// Appends the rest of an entry's last block.
void save_write_padding(struct json_writer *w, uint64_t size);
// Appends a whole entry.
void save_write_entry(struct json_writer *w, const char *name, struct span content);
// Appends the archive's end.
void save_write_end(struct json_writer *w);

// The name of an image's layer in the archive.
void save_layer_name(const struct save_item *item, char out[static 80]);
// Writes the configuration of an image whose one layer has the digest `diff_id`. (OCI image spec,
// config.md)
void save_write_config(struct json_writer *w, const struct record *record, const char *diff_id);
// Appends an image to manifest.json; `config` and `layers` are names in the archive.
void save_write_item(struct json_writer *w, const struct save_item *item, const char *config,
                     char *const *layers, size_t num_layers, bool is_first);
// The digest of bytes, as "sha256:" and digits.
void save_digest(struct span bytes, char out[static SAVE_DIGEST_MAX]);
