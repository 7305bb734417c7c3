// SPDX-License-Identifier: MIT
//
// What lies on the state disk. All of it blocks until the server of files has answered.
#pragma once

#include "libs/base/span.h"
#include "libs/files/simple.h"
#include "libs/linux/image/image_index.h"
#include "libs/linux/image/string_list.h"

struct images;
struct image_entry;

// What is unpacked is in folders whose names begin so. They are gone after a start.
#define STORE_INCOMING "incoming."

// Reads what there is.
void store_read(struct images *images);
// Writes the references. Errors: ERR_NOT_READY (there is no state disk), ERR_IO (those that are
// there could not be read), the store's.
__must_check error_t store_write_references(struct images *images);
// Removes an image's files.
void store_remove(struct images *images, const struct image_entry *image);
// The store's folder; NULL: there is none.
struct folder *store_folder(struct images *images);
// It is lost: it is opened again when it is needed.
void store_close(void);
// Whether to make a request of the folder, which is open then: for the first time (`*tries` is 0),
// or again, since `*err` says that the server of files died in the midst of it. At the end `*err`
// is the request's, or why the folder cannot be opened: ERR_NOT_READY (there is no state disk),
// ERR_PEER_CLOSED, ERR_NO_MEMORY.
//
//	for (unsigned tries = 0; store_try(images, &tries, &err);)
//		err = folder_...
bool store_try(struct images *images, unsigned *tries, error_t *err);
// The name of the file of an image of the store.
void store_image_file(const char *id, char out[static IMAGES_FILE_MAX]);
// Requests of the folder, tried again when the server of files dies. Errors: the store's.
__must_check error_t store_stat(struct images *images, const char *name, struct file_info *info);
// One whose answer was lost may have been done: whoever looks at `to` sees that.
__must_check error_t store_move(struct images *images, const char *from, const char *to);
// Removes a file, or has a folder swept.
__must_check error_t store_drop(struct images *images, const char *name);
// The names in a folder; `out` is the caller's (string_list_deinit), also after an error.
__must_check error_t store_list(struct images *images, const char *path, struct string_list *out);
// Makes a folder, unless it is there.
__must_check error_t store_make_folder(struct images *images, const char *name);
// Makes a folder for what is unpacked. Errors: ERR_NOT_READY (there is no state disk), the store's.
__must_check error_t store_make_incoming(struct images *images, char name[static IMAGES_FILE_MAX]);
// Moves an image's file from such a folder to where images are, and writes what is known of it.
// Errors: listing_check's, ERR_EXISTS (it is one of the host's own), ERR_PROTOCOL (it is no file),
// the store's: then it is none, and is gone after a start.
__must_check error_t store_take(struct images *images, const char *path, const char *id,
                                struct span record);
