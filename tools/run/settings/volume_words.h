// SPDX-License-Identifier: MIT
//
// What those share that read volumes' words: volumes.c, volume_words.c, mount_words.c and
// tmpfs_words.c.
#pragma once

#include "tools/run/settings/volumes.h"

// Printable, and not too long. The result is valid until the next call.
const char *shown(const char *text);

// A path of the host, absolute, without empty parts, "." and "..", as text. The caller frees it;
// NULL: out of memory, or there is no working directory.
char *host_path(const char *path);
// Whether docker takes the text for a path of the host.
bool is_host_path(const char *text);
// Whether docker takes the text for the name of a volume. -1 with `err`.
int volume_name_check(const char *name, struct error *err);

// Whether something may be mounted at this path of the container: it is absolute, not the root,
// and not in /proc. -1 with `err`.
int place_check(const char *path, struct error *err);
// Adds a volume at such a path; `volume->source` and `->words` are consumed, `container` (as the
// user wrote it) is not. -1 with `err`: there is something else at that place, or there are too
// many.
int volume_take(struct volumes *volumes, struct volume *volume, const char *container,
                struct error *err);

// A word for a bind's propagation. -1 with `err`: it is not possible here.
int propagation_check(const char *word, struct error *err);
bool is_propagation(const char *word);

// The options of a tmpfs as docker merges them with its own: of those that exclude each other the
// last one holds. The caller frees the text; NULL with `err`.
char *tmpfs_options_merge(const char *options, struct error *err);
