// SPDX-License-Identifier: MIT
//
// Open files.
#include "apps/js/native/files.h"
#include "libs/base/string.h"
#include "libs/files/files.h"

// Of one read or write: what is copied for it is the script's memory.
#define TRANSFER_MAX (8u * 1024 * 1024)

struct js_file {
	struct list entry;  // of the folder's, while it is open
	struct file *file;  // NULL: it was closed
	struct list requests;
	JSValue folder;
};

static JSClassID file_class;

static void file_finalised(JSRuntime *rt, JSValue value)
{
	struct js_file *f = JS_GetOpaque(value, file_class);

	if (f == NULL)
		return;
	list_remove(&f->entry);
	file_close(f->file);
	JS_FreeValueRT(rt, f->folder);
	js_free_rt(rt, f);
}

static void file_mark(JSRuntime *rt, JSValueConst value, JS_MarkFunc *mark)
{
	struct js_file *f = JS_GetOpaque(value, file_class);

	if (f != NULL)
		JS_MarkValue(rt, f->folder, mark);
}

static const JSClassDef file_class_def = {
	.class_name = "File",
	.finalizer = file_finalised,
	.gc_mark = file_mark,
};

// NULL: it threw.
static struct js_file *file_of(JSContext *ctx, JSValueConst self)
{
	struct js_file *f = JS_GetOpaque2(ctx, self, file_class);

	if (f != NULL && f->file == NULL) {
		js_throw(ctx, ERR_BAD_HANDLE, "the file is closed");
		return NULL;
	}
	return f;
}

// Begins a request for the file, whose promise is `*promise`. NULL: it threw, as file_of did when
// `f` is NULL.
static struct files_request *ask(JSContext *ctx, JSValueConst self, struct js_file *f,
                                 const char *what, JSValue *promise)
{
	return f != NULL ? files_request_begin(ctx, &f->requests, self, what, promise) : NULL;
}

// --- Reading and writing -------------------------------------------------------------------------

static void bytes_free(JSRuntime *rt, void *opaque, void *bytes)
{
	(void)opaque;
	js_free_rt(rt, bytes);
}

// What was read, as a Uint8Array: the buffer is the script's then.
static void was_read(void *context, error_t error, size_t count)
{
	struct files_request *request = context;
	JSValue array = JS_UNDEFINED;

	if (error == 0) {
		JSValue buffer =
			JS_NewArrayBuffer(js.ctx, request->bytes, count, bytes_free, NULL, false);

		if (!JS_IsException(buffer))
			request->bytes = NULL;
		array = js_typed_array(js.ctx, buffer, JS_TYPED_ARRAY_UINT8);
	}
	files_request_end(request, error, array);
}

static JSValue file_read_bytes(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct js_file *f = file_of(ctx, self);
	struct files_request *request;
	JSValue promise;
	uint64_t offset;
	uint32_t len;
	error_t err;

	(void)argc;
	if (f == NULL || js_to_u64(ctx, argv[0], &offset) != 0 ||
	    js_to_u32(ctx, argv[1], TRANSFER_MAX, &len) != 0)
		return JS_EXCEPTION;
	request = ask(ctx, self, f, "cannot read", &promise);
	if (request == NULL)
		return JS_EXCEPTION;
	request->bytes = js_malloc(ctx, len > 0 ? len : 1);
	if (request->bytes == NULL) {
		JS_FreeValue(ctx, JS_GetException(ctx));
		return files_request_asked(ctx, request, ERR_NO_MEMORY, promise);
	}
	err = file_read(f->file, offset, request->bytes, len, was_read, request);
	return files_request_asked(ctx, request, err, promise);
}

static void was_written(void *context, error_t error, size_t count)
{
	files_request_end(context, error, JS_NewInt64(js.ctx, (int64_t)count));
}

// The bytes are copied: what the script does with them meanwhile is no matter.
static JSValue file_write_bytes(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct js_file *f = file_of(ctx, self);
	struct files_request *request;
	struct span bytes;
	JSValue promise;
	uint64_t offset;
	error_t err;

	(void)argc;
	if (f == NULL || js_to_u64(ctx, argv[0], &offset) != 0 ||
	    js_get_bytes(ctx, argv[1], &bytes) != 0)
		return JS_EXCEPTION;
	if (bytes.len > TRANSFER_MAX)
		return js_throw(ctx, ERR_TOO_LARGE, "at most 8 MiB are written at a time");
	request = ask(ctx, self, f, "cannot write", &promise);
	if (request == NULL)
		return JS_EXCEPTION;
	request->bytes = js_malloc(ctx, bytes.len > 0 ? bytes.len : 1);
	if (request->bytes == NULL) {
		JS_FreeValue(ctx, JS_GetException(ctx));
		return files_request_asked(ctx, request, ERR_NO_MEMORY, promise);
	}
	if (bytes.len > 0)
		memcpy(request->bytes, bytes.data, bytes.len);
	err = file_write(f->file, offset, request->bytes, bytes.len, was_written, request);
	return files_request_asked(ctx, request, err, promise);
}

// --- The rest ------------------------------------------------------------------------------------

static JSValue file_stat_promise(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct js_file *f = file_of(ctx, self);
	JSValue promise;
	struct files_request *request = ask(ctx, self, f, "cannot look at the file", &promise);

	(void)argc;
	(void)argv;
	if (request == NULL)
		return JS_EXCEPTION;
	return files_request_asked(ctx, request, file_stat(f->file, files_request_info, request),
	                           promise);
}

static JSValue file_truncate_promise(JSContext *ctx, JSValueConst self, int argc,
                                     JSValueConst *argv)
{
	struct js_file *f = file_of(ctx, self);
	struct files_request *request;
	JSValue promise;
	uint64_t size;

	(void)argc;
	if (f == NULL || js_to_u64(ctx, argv[0], &size) != 0)
		return JS_EXCEPTION;
	request = ask(ctx, self, f, "cannot truncate", &promise);
	if (request == NULL)
		return JS_EXCEPTION;
	return files_request_asked(
		ctx, request, file_truncate(f->file, size, files_request_done, request), promise);
}

static JSValue file_sync_promise(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct js_file *f = file_of(ctx, self);
	JSValue promise;
	struct files_request *request = ask(ctx, self, f, "cannot sync", &promise);

	(void)argc;
	(void)argv;
	if (request == NULL)
		return JS_EXCEPTION;
	return files_request_asked(ctx, request, file_sync(f->file, files_request_done, request),
	                           promise);
}

// Nobody has it open any more.
static void forget(JSContext *ctx, struct js_file *f)
{
	list_remove(&f->entry);
	f->file = NULL;
	files_requests_end(ctx, &f->requests);
}

static JSValue file_close_now(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct js_file *f = JS_GetOpaque2(ctx, self, file_class);

	(void)argc;
	(void)argv;
	if (f == NULL)
		return JS_EXCEPTION;
	file_close(f->file);
	forget(ctx, f);
	return JS_UNDEFINED;
}

static const JSCFunctionListEntry file_functions[] = {
	JS_CFUNC_DEF("read", 2, file_read_bytes),
	JS_CFUNC_DEF("write", 2, file_write_bytes),
	JS_CFUNC_DEF("stat", 0, file_stat_promise),
	JS_CFUNC_DEF("truncate", 1, file_truncate_promise),
	JS_CFUNC_DEF("sync", 0, file_sync_promise),
	JS_CFUNC_DEF("close", 0, file_close_now),
};

int js_file_init(JSContext *ctx)
{
	JSValue proto = JS_NewObject(ctx);

	JS_NewClassID(&file_class);
	if (JS_IsException(proto) || JS_NewClass(js.rt, file_class, &file_class_def) != 0) {
		JS_FreeValue(ctx, proto);
		return -1;
	}
	JS_SetPropertyFunctionList(ctx, proto, file_functions,
	                           sizeof(file_functions) / sizeof(file_functions[0]));
	JS_SetClassProto(ctx, file_class, proto);
	return 0;
}

JSValue js_file_new(JSContext *ctx, struct file *file, struct list *files, JSValueConst owner)
{
	struct js_file *f = js_mallocz(ctx, sizeof(*f));
	JSValue object = f != NULL ? JS_NewObjectClass(ctx, (int)file_class) : JS_EXCEPTION;

	if (JS_IsException(object)) {
		js_free(ctx, f);
		file_close(file);
		return object;
	}
	f->file = file;
	f->folder = JS_DupValue(ctx, owner);
	list_init(&f->requests);
	list_push_back(files, &f->entry);
	JS_SetOpaque(object, f);
	return object;
}

void js_files_forget(JSContext *ctx, struct list *files)
{
	while (!list_is_empty(files))
		forget(ctx, container_of(files->next, struct js_file, entry));
}
