// SPDX-License-Identifier: MIT
// What a container has written: the upper directory of its overlay file system, which bootd sees
// beside the lower one, the image. What is in them is the container's to choose, so nothing there
// is followed: neither a link nor a device. (Linux, filesystems/overlayfs.rst: whiteouts, opaque
// directories)
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "guest/bootd/tar_format.h"

// The two directories. What the paths of `hidden` name, and all that is below it, is not the
// container's own: mounts and their mount points, and files that bootd writes.
struct layer_view {
	int upper;  // descriptors
	int lower;
	char *const *hidden;  // absolute paths; ends with NULL
};

// Writes what is changed, added and deleted against the image as the Docker Engine API has it
// (GET /containers/{id}/changes), as JSON. Returns an enum archive_status.
int layer_changes(const struct layer_view *view, int out);

// Writes two archives in frames (tar_write.h): of the image, and of what the container has written,
// with whiteouts as an image's layer has them (OCI image spec, layer.md). Names that begin as
// whiteouts do are no layer's, and left out. Returns an enum archive_status.
int layer_commit(const struct layer_view *view, int out);

// Writes, in frames, the size of an archive of the image, in decimal digits, and the archive.
// Returns an enum archive_status.
int layer_save(const struct layer_view *view, int out);

// Does what the words say, "changes", "commit" or "save" and then the hidden paths, with the
// container's directories. Returns the exit status.
int layer_run(char *const words[], int out);

// --- layer_hidden.c ---

// Whether a path, without '/' at its beginning or its end, is hidden.
bool layer_is_hidden(const struct layer_view *view, const char *path);

// The names in a directory, sorted by bytes; -1 with errno. `fd` stays the caller's. Freed by
// layer_names_free, also after errors.
struct layer_names {
	char **items;
	size_t count;
	size_t room;
};
int layer_names_read(int fd, struct layer_names *names);
void layer_names_free(struct layer_names *names);

// --- layer_marks.c ---

// Whether a file of the upper directory stands for one that is deleted.
bool layer_is_whiteout(const struct stat *st);
// Whether nothing of the lower directory is seen in this one of the upper.
bool layer_is_opaque(int fd);
