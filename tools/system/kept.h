// SPDX-License-Identifier: MIT
//
// Blobs that the OS keeps, each once, by the digest of its bytes: layers as they came, and images'
// configurations (docs/engine.md, "The system container"). It says which layers are there, and who
// fetches one that is not: there may be several of us. Questions go to stdout as lines, answers
// come on stdin.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tools/common/error.h"

struct kept {
	const char *incoming;  // where a layer is put that was fetched
	const char *folder;    // where those that are kept can be read
	int answers;           // -1: no questions are asked
	bool is_silent;        // nobody answers: nothing is kept
};

// A layer that is being put there.
struct kept_file {
	int fd;  // -1: it is not kept
	char *path;
	char *buffer;
	size_t buffered;
};

// Answers come from `answers`; both texts must stay. Needs no release.
void kept_init(struct kept *kept, const char *incoming, int answers);

// Whether a layer is there. It stays as long as this program runs.
bool kept_see(struct kept *kept, const char *digest);
// Waits while another one fetches a layer. A descriptor for reading it; -1: it is to be fetched
// here, until kept_file_end() or kept_drop().
int kept_get(struct kept *kept, const char *digest);
// The layer that is fetched here did not come, or what is there is not what it should be.
void kept_drop(struct kept *kept, const char *digest);
// Whether the bytes that `fd` has have the digest.
bool kept_is_whole(int fd, const char *digest);

// Begins the file of a layer that is fetched here. What goes wrong with it only means that the
// layer is not kept.
void kept_file_begin(struct kept *kept, struct kept_file *file, const char *digest);
void kept_file_write(struct kept_file *file, const void *bytes, size_t size);
// Gives the layer to the OS when it `is_whole`, else drops it. Returns whether it is kept.
bool kept_file_end(struct kept *kept, struct kept_file *file, const char *digest, bool is_whole);

// Begins the file of a layer whose digest is not known yet; one at a time.
void kept_file_begin_unnamed(struct kept *kept, struct kept_file *file);
// Ends it: with a `digest` it waits for kept_put_named(), else it is gone.
void kept_file_name(struct kept *kept, struct kept_file *file, const char *digest);
// Gives such a layer to the OS, if it is there, as kept_put() does.
void kept_put_named(struct kept *kept, const char *digest);

// Gives the OS the file `path`, which is below `incoming`, and has the digest. It is moved. What
// goes wrong with it only means that it is not kept.
void kept_put(struct kept *kept, const char *path, const char *digest);
// The same of bytes in memory.
void kept_put_text(struct kept *kept, const char *text, size_t size, const char *digest);
