// SPDX-License-Identifier: MIT
//
// What the parts of native:files share. Files in scripts are folders that other apps serve
// (libs/files); all that is asked of them is a promise.
#pragma once

#include "apps/js/runtime/js.h"
#include "libs/base/list.h"

struct file;
struct file_info;

// Something that was asked of a folder or a file, and the promise of its answer.
struct files_request {
	struct list entry;  // of its owner's list
	JSValue resolve, reject;
	JSValue owner;   // the object that it was asked of, kept until the answer
	JSValue result;  // a list that grows
	uint32_t count;  // of what is in it
	uint8_t *bytes;  // to read into, or to write from; js_malloc'ed
	char *what;      // for the error; js_malloc'ed
};

// Begins one, in `list`. `*promise` is the caller's to return. NULL: it threw.
struct files_request *files_request_begin(JSContext *ctx, struct list *list, JSValueConst owner,
                                          const char *what, JSValue *promise);
// Ends it: with an error, or (0) with `value` (consumed in any case). Runs the jobs.
void files_request_end(struct files_request *request, error_t error, JSValue value);
// What to return from the function that asked: with an error nothing was asked, and it throws.
// `promise` is consumed.
JSValue files_request_asked(JSContext *ctx, struct files_request *request, error_t error,
                            JSValue promise);
// Rejects all of the list: their callbacks do not come any more. The jobs are not run.
void files_requests_end(JSContext *ctx, struct list *list);
// Callbacks of libs/files whose context is the request.
void files_request_done(void *context, error_t error);
void files_request_info(void *context, error_t error, const struct file_info *info);

// Makes the class of open files. -1 with an exception pending.
int js_file_init(JSContext *ctx);
// An object for an open file (consumed, also on failure) of the folder whose object is `owner`.
// `files` is the list of the folder's.
JSValue js_file_new(JSContext *ctx, struct file *file, struct list *files, JSValueConst owner);
// The folder's session has ended, and its files are closed.
void js_files_forget(JSContext *ctx, struct list *files);
// What an entry's type is called.
const char *js_file_type(unsigned int type);
// Gives an object a property of its own (`value` is consumed), by which no code of the script runs.
// False: it threw.
bool js_file_define(JSContext *ctx, JSValueConst object, const char *name, JSValue value);
// What a script sees of a file_info. Throws: out of memory.
JSValue js_file_info(JSContext *ctx, const struct file_info *info);
