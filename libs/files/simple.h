// SPDX-License-Identifier: MIT
//
// Files for programs that wait: a share as a folder, with a loop of its own. All functions block
// until the provider has answered, so they are not for callbacks of another loop. Paths and errors
// are those of files.h.
//
//	struct folder *folder;
//	error_t error = folder_open(environ_connector(env, "files"), "files:host", &folder);
//
//	if (error == 0)
//		error = folder_write(folder, "greeting", "hello", 5);
#pragma once

#include "libs/files/files.h"

struct folder;

// Opens the share `uri` of "files" behind `connector` (not consumed). Errors besides: what the
// provider answers, which is logged with its words, and poll_create's.
__must_check error_t folder_open(handle_t connector, const char *uri, struct folder **out);
// Opens the app's own folder (FILES_OWN, files_start_own). Errors: as folder_open's.
__must_check error_t folder_open_own(const struct environ *env, struct folder **out);
// Closes it, and its files. NULL is fine.
void folder_close(struct folder *folder);
// Whether its session has ended: only folder_close may follow.
bool folder_is_lost(const struct folder *folder);
// Why it cannot be used, for people; "" if there are no words.
const char *folder_text(const struct folder *folder);

// A whole file, in memory of the heap that is the caller's (heap_free), and a NUL behind it. Errors
// besides: ERR_TOO_LARGE (over `max` bytes).
__must_check error_t folder_read(struct folder *folder, const char *path, size_t max,
                                 uint8_t **bytes, size_t *len);
// A whole file, in place of what is there. It is written beside it, synced and renamed: whoever
// reads it finds the old file or the new one, also after a crash; after this, the new one.
//
// folder_replace does the same with one sync in place of two. It is for folders of the state disk,
// whose journal keeps the order: what a file has got is on the disk before its new name is.
// folder_replace_unsynced has none: the disk gets it within seconds, and a crash until then leaves
// the old file, or none.
__must_check error_t folder_replace(struct folder *folder, const char *path, const void *bytes,
                                    size_t len);
__must_check error_t folder_replace_unsynced(struct folder *folder, const char *path,
                                             const void *bytes, size_t len);
__must_check error_t folder_write(struct folder *folder, const char *path, const void *bytes,
                                  size_t len);
// Removes what writes that a power cut or a kill ended have left beside files of the folder itself,
// not of folders in it: nobody else may write there meanwhile.
__must_check error_t folder_drop_unfinished(struct folder *folder);
__must_check error_t folder_stat(struct folder *folder, const char *path, struct file_info *out);
// The same without following the last link.
__must_check error_t folder_stat_link(struct folder *folder, const char *path,
                                      struct file_info *out);
// Calls `each` for all entries, which may not use the folder.
__must_check error_t folder_list(struct folder *folder, const char *path, files_entry_fn each,
                                 void *context);
__must_check error_t folder_make_folder(struct folder *folder, const char *path);
__must_check error_t folder_make_link(struct folder *folder, const char *path, const char *target);
__must_check error_t folder_rename(struct folder *folder, const char *from, const char *to,
                                   bool keep);
__must_check error_t folder_remove(struct folder *folder, const char *path);
__must_check error_t folder_space(struct folder *folder, struct file_space *out);
__must_check error_t folder_sync(struct folder *folder);
// As files_finish: only folder_close may follow.
__must_check error_t folder_finish(struct folder *folder);

// An open file (file_close closes it), as files_open's.
__must_check error_t folder_open_file(struct folder *folder, const char *path, uint32_t flags,
                                      struct file **out);
// `*count` is what was read or written, also with an error.
__must_check error_t folder_file_read(struct folder *folder, struct file *file, uint64_t offset,
                                      void *buffer, size_t len, size_t *count);
__must_check error_t folder_file_write(struct folder *folder, struct file *file, uint64_t offset,
                                       const void *bytes, size_t len, size_t *count);
__must_check error_t folder_file_stat(struct folder *folder, struct file *file,
                                      struct file_info *out);
__must_check error_t folder_file_truncate(struct folder *folder, struct file *file, uint64_t size);
__must_check error_t folder_file_sync(struct folder *folder, struct file *file);
