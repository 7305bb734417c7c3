// SPDX-License-Identifier: MIT
//
// What is known of an image: an object of images.json, or a file NAME.json that the system's
// container wrote. Hostile: each member is checked or passed on as JSON that was read through.
#pragma once

#include "libs/abi/time.h"
#include "libs/base/span.h"
#include "libs/linux/image/image_index.h"

#define RECORD_MAX (1024u * 1024)

// Spans are of the record: JSON as it stands there; empty: none.
struct record {
	char name[IMAGE_NAME_MAX];
	char id[IMAGE_ID_MAX];
	uint64_t first_sector;
	uint64_t num_sectors;
	uint64_t size;             // bytes; 0: not said
	struct span config;        // an object: how it is run
	struct span created;       // a string
	struct span history;       // an array
	struct span layers;        // an array of strings: diff ids
	struct span blobs;         // an array of strings: digests of what is kept for it (layers.c)
	struct span architecture;  // strings
	struct span os;
	struct span author;
	struct span comment;
	struct span variant;
	struct span parent;     // a string: the image that it was made of
	struct span container;  // a string: the id of the container that it was made of
	struct span container_image;
	struct span references;     // an array of strings
	char digest[IMAGE_ID_MAX];  // of its manifest
};

// Reads one. Errors: ERR_PROTOCOL.
__must_check error_t record_read(struct span text, struct record *out);
// Calls `each` for every object of a document {"KEY":[...]}; an error of it ends that. Errors:
// ERR_PROTOCOL, those of `each`.
__must_check error_t record_index(struct span document, const char *key,
                                  error_t (*each)(void *context, struct span text), void *context);
// Calls `each` for the elements of an array, or the members of an object.
void record_elements(struct span array, void (*each)(void *context, struct span element),
                     void *context);
void record_members(struct span object,
                    void (*each)(void *context, struct span key, struct span value), void *context);
// A time of it, a JSON string; 0: none that is known. Of its fraction nine digits count.
nsec_t record_time(struct span text);
// The value of a member of an object; empty: there is none.
struct span record_member(struct span object, const char *key);
// A copy of JSON in fresh heap memory; NULL: there is none, or no memory.
char *record_text(struct span json);
// Whether a text is "sha256:" and 64 hexadecimal digits.
bool record_is_digest(const char *text);
