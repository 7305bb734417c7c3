// SPDX-License-Identifier: MIT
//
// Folders: sessions with a provider of files.
#include "apps/js/native/files.h"
#include "apps/js/native/native.h"
#include "libs/base/string.h"
#include "libs/files/files.h"
#include "libs/starina/environ.h"

struct js_folder {
	struct files files;
	struct list open;      // js_file
	struct list requests;  // files_request
	bool closed;
};

static JSClassID folder_class;

// What was asked of a folder, or is open in it, keeps it: here it has neither, but in a circle that
// is collected as a whole.
static void folder_finalised(JSRuntime *rt, JSValue value)
{
	struct js_folder *folder = JS_GetOpaque(value, folder_class);

	if (folder == NULL)
		return;
	files_stop(&folder->files);
	js_files_forget(js.ctx, &folder->open);
	js_free_rt(rt, folder);
}

static const JSClassDef folder_class_def = { .class_name = "Folder",
	                                     .finalizer = folder_finalised };

// NULL: it threw.
static struct js_folder *folder_of(JSContext *ctx, JSValueConst self)
{
	struct js_folder *folder = JS_GetOpaque2(ctx, self, folder_class);

	if (folder != NULL && folder->closed) {
		js_throw(ctx, ERR_BAD_HANDLE, "the folder is closed");
		return NULL;
	}
	return folder;
}

// A string without a NUL, in which C would see its end. NULL: it threw.
static const char *text_of(JSContext *ctx, JSValueConst value)
{
	size_t len;
	const char *text = JS_ToCStringLen(ctx, &len, value);

	if (text == NULL || strlen(text) == len)
		return text;
	JS_FreeCString(ctx, text);
	js_throw(ctx, ERR_INVALID, "a NUL in a path");
	return NULL;
}

// --- What is asked by a path ---------------------------------------------------------------------

// A request and the path that it begins with.
struct asked {
	struct js_folder *folder;
	struct files_request *request;
	const char *path;
	JSValue promise;
};

// Begins a request for the path in `path_value`. False: it threw.
static bool ask(JSContext *ctx, JSValueConst self, JSValueConst path_value, struct asked *out)
{
	out->folder = folder_of(ctx, self);
	out->path = out->folder != NULL ? text_of(ctx, path_value) : NULL;
	if (out->path == NULL)
		return false;
	// The path may have closed the folder, if it was an object.
	out->folder = folder_of(ctx, self);
	out->request = out->folder != NULL
		? files_request_begin(ctx, &out->folder->requests, self, out->path, &out->promise)
		: NULL;
	if (out->request == NULL)
		JS_FreeCString(ctx, out->path);
	return out->request != NULL;
}

// What to return once it was asked, or not.
static JSValue asked(JSContext *ctx, struct asked *a, error_t error)
{
	JSValue result = files_request_asked(ctx, a->request, error, a->promise);

	JS_FreeCString(ctx, a->path);
	return result;
}

static JSValue stat_with(JSContext *ctx, JSValueConst self, JSValueConst *argv,
                         error_t (*stat)(struct files *files, const char *path, files_info_fn done,
                                         void *context))
{
	struct asked a;

	if (!ask(ctx, self, argv[0], &a))
		return JS_EXCEPTION;
	return asked(ctx, &a, stat(&a.folder->files, a.path, files_request_info, a.request));
}

static JSValue folder_stat_promise(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	(void)argc;
	return stat_with(ctx, self, argv, files_stat);
}

static JSValue folder_stat_link(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	(void)argc;
	return stat_with(ctx, self, argv, files_stat_link);
}

static JSValue folder_make(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct asked a;

	(void)argc;
	if (!ask(ctx, self, argv[0], &a))
		return JS_EXCEPTION;
	return asked(ctx, &a,
	             files_make_folder(&a.folder->files, a.path, files_request_done, a.request));
}

static JSValue folder_remove(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct asked a;

	(void)argc;
	if (!ask(ctx, self, argv[0], &a))
		return JS_EXCEPTION;
	return asked(ctx, &a,
	             files_remove(&a.folder->files, a.path, files_request_done, a.request));
}

// rename(from, to, keep)
static JSValue folder_rename(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	const char *to = text_of(ctx, argv[1]);
	bool keep = JS_ToBool(ctx, argv[2]) == 1;
	JSValue result = JS_EXCEPTION;
	struct asked a;

	(void)argc;
	if (to != NULL && ask(ctx, self, argv[0], &a))
		result = asked(ctx, &a,
		               files_rename(&a.folder->files, a.path, to, keep, files_request_done,
		                            a.request));
	JS_FreeCString(ctx, to);
	return result;
}

static JSValue folder_sync(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct js_folder *folder = folder_of(ctx, self);
	struct files_request *request;
	JSValue promise;

	(void)argc;
	(void)argv;
	if (folder == NULL)
		return JS_EXCEPTION;
	request = files_request_begin(ctx, &folder->requests, self, "cannot sync", &promise);
	if (request == NULL)
		return JS_EXCEPTION;
	return files_request_asked(
		ctx, request, files_sync(&folder->files, files_request_done, request), promise);
}

// --- Lists ---------------------------------------------------------------------------------------

static void list_entry(void *context, const struct file_entry *entry)
{
	struct files_request *request = context;
	JSContext *ctx = js.ctx;
	JSValue object;

	// There was no memory for one of them: the list is no good.
	if (!JS_IsObject(request->result))
		return;
	object = entry->has_info ? js_file_info(ctx, &entry->info) : JS_NewObject(ctx);
	if (!JS_IsException(object) &&
	    js_file_define(ctx, object, "name", JS_NewString(ctx, entry->name)) &&
	    js_file_define(ctx, object, "type", JS_NewString(ctx, js_file_type(entry->type)))) {
		if (JS_DefinePropertyValueUint32(ctx, request->result, request->count++, object,
		                                 JS_PROP_C_W_E) >= 0)
			return;
		object = JS_UNDEFINED;
	}
	JS_FreeValue(ctx, object);
	JS_FreeValue(ctx, JS_GetException(ctx));
	JS_FreeValue(ctx, request->result);
	request->result = JS_UNDEFINED;
}

static void list_done(void *context, error_t error)
{
	struct files_request *request = context;

	if (error == 0 && !JS_IsObject(request->result))
		error = ERR_NO_MEMORY;
	files_request_end(request, error, JS_DupValue(js.ctx, request->result));
}

static JSValue folder_list(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct asked a;

	(void)argc;
	if (!ask(ctx, self, argv[0], &a))
		return JS_EXCEPTION;
	// Without memory for it the answer is that there is none.
	a.request->result = JS_NewArray(ctx);
	if (JS_IsException(a.request->result))
		JS_FreeValue(ctx, JS_GetException(ctx));
	return asked(ctx, &a,
	             files_list(&a.folder->files, a.path, list_entry, list_done, a.request));
}

// --- Open files ----------------------------------------------------------------------------------

static void opened(void *context, error_t error, struct file *file)
{
	struct files_request *request = context;
	JSValue object = JS_UNDEFINED;

	if (error == 0) {
		struct js_folder *folder = JS_GetOpaque(request->owner, folder_class);

		object = js_file_new(js.ctx, file, &folder->open, request->owner);
	}
	files_request_end(request, error, object);
}

// open(path, flags): FILE_*
static JSValue folder_open(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct asked a;
	uint32_t flags;

	(void)argc;
	if (js_to_u32(ctx, argv[1], UINT32_MAX, &flags) != 0 || !ask(ctx, self, argv[0], &a))
		return JS_EXCEPTION;
	return asked(ctx, &a, files_open(&a.folder->files, a.path, flags, opened, a.request));
}

// --- The session ---------------------------------------------------------------------------------

static JSValue folder_close(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct js_folder *folder = JS_GetOpaque2(ctx, self, folder_class);

	(void)argc;
	(void)argv;
	if (folder == NULL)
		return JS_EXCEPTION;
	if (folder->closed)
		return JS_UNDEFINED;
	folder->closed = true;
	files_stop(&folder->files);
	js_files_forget(ctx, &folder->open);
	files_requests_end(ctx, &folder->requests);
	return JS_UNDEFINED;
}

static const JSCFunctionListEntry folder_functions[] = {
	JS_CFUNC_DEF("open", 2, folder_open),         JS_CFUNC_DEF("list", 1, folder_list),
	JS_CFUNC_DEF("stat", 1, folder_stat_promise), JS_CFUNC_DEF("statLink", 1, folder_stat_link),
	JS_CFUNC_DEF("makeFolder", 1, folder_make),   JS_CFUNC_DEF("remove", 1, folder_remove),
	JS_CFUNC_DEF("rename", 3, folder_rename),     JS_CFUNC_DEF("sync", 0, folder_sync),
	JS_CFUNC_DEF("close", 0, folder_close),
};

static JSValue folder_new(JSContext *ctx, struct js_folder **out)
{
	struct js_folder *folder = js_mallocz(ctx, sizeof(*folder));
	JSValue object = folder != NULL ? JS_NewObjectClass(ctx, (int)folder_class) : JS_EXCEPTION;

	if (JS_IsException(object)) {
		js_free(ctx, folder);
		return object;
	}
	list_init(&folder->open);
	list_init(&folder->requests);
	JS_SetOpaque(object, folder);
	*out = folder;
	return object;
}

// Makes a session. What goes wrong with it is told by what is asked then.
static JSValue open_folder(JSContext *ctx, const char *service, const char *uri)
{
	struct js_folder *folder;
	handle_t connector;
	JSValue object;

	if (!environ_declares(js.env, ENV_CONNECTOR, service))
		return JS_ThrowTypeError(ctx, "the app's spec does not need the service '%.31s'",
		                         service);
	connector = environ_connector(js.env, service);
	if (connector == HANDLE_NONE)
		return js_throw(ctx, ERR_NOT_FOUND, "an optional service that nobody provides");
	if (strlen(uri) >= OPENER_URI_MAX)
		return js_throw(ctx, ERR_TOO_LARGE, uri);
	object = folder_new(ctx, &folder);
	if (!JS_IsException(object))
		files_start(&folder->files, &js.loop, connector, uri);
	return object;
}

// folder(service, uri)
static JSValue native_folder(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	const char *service = text_of(ctx, argv[0]);
	const char *uri = service != NULL ? text_of(ctx, argv[1]) : NULL;
	JSValue object = uri != NULL ? open_folder(ctx, service, uri) : JS_EXCEPTION;

	(void)self;
	(void)argc;
	JS_FreeCString(ctx, uri);
	JS_FreeCString(ctx, service);
	return object;
}

static int files_init(JSContext *ctx)
{
	JSValue proto = JS_NewObject(ctx);

	JS_NewClassID(&folder_class);
	if (JS_IsException(proto) || JS_NewClass(js.rt, folder_class, &folder_class_def) != 0) {
		JS_FreeValue(ctx, proto);
		return -1;
	}
	JS_SetPropertyFunctionList(ctx, proto, folder_functions,
	                           sizeof(folder_functions) / sizeof(folder_functions[0]));
	JS_SetClassProto(ctx, folder_class, proto);
	return js_file_init(ctx);
}

static const JSCFunctionListEntry entries[] = {
	JS_CFUNC_DEF("folder", 2, native_folder),
	JS_PROP_STRING_DEF("OWN_URI", FILES_OWN_FOLDER, 0),
	JS_PROP_STRING_DEF("HOST_PREFIX", FILES_HOST_PREFIX, 0),
};

const struct js_native js_native_files = {
	.name = "files",
	.entries = entries,
	.num_entries = sizeof(entries) / sizeof(entries[0]),
	.init = files_init,
};
