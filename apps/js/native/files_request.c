// SPDX-License-Identifier: MIT
//
// Promises of what was asked of a folder or a file.
#include "apps/js/native/files.h"
#include "libs/files/files.h"

struct files_request *files_request_begin(JSContext *ctx, struct list *list, JSValueConst owner,
                                          const char *what, JSValue *promise)
{
	struct files_request *request = js_mallocz(ctx, sizeof(*request));
	JSValue functions[2];

	if (request == NULL)
		return NULL;
	request->what = js_strdup(ctx, what);
	*promise = request->what != NULL ? JS_NewPromiseCapability(ctx, functions) : JS_EXCEPTION;
	if (JS_IsException(*promise)) {
		js_free(ctx, request->what);
		js_free(ctx, request);
		return NULL;
	}
	request->resolve = functions[0];
	request->reject = functions[1];
	request->owner = JS_DupValue(ctx, owner);
	request->result = JS_UNDEFINED;
	list_push_back(list, &request->entry);
	js_watch_begin();
	return request;
}

static void request_free(struct files_request *request)
{
	list_remove(&request->entry);
	JS_FreeValue(js.ctx, request->resolve);
	JS_FreeValue(js.ctx, request->reject);
	JS_FreeValue(js.ctx, request->owner);
	JS_FreeValue(js.ctx, request->result);
	js_free(js.ctx, request->bytes);
	js_free(js.ctx, request->what);
	js_free(js.ctx, request);
	js_watch_end();
}

void files_request_end(struct files_request *request, error_t error, JSValue value)
{
	JSValue fn;

	if (error != 0) {
		JS_FreeValue(js.ctx, value);
		value = js_error(js.ctx, error, request->what);
	} else if (JS_IsException(value)) {
		error = ERR_NO_MEMORY;
		value = JS_GetException(js.ctx);
	}
	fn = JS_DupValue(js.ctx, error != 0 ? request->reject : request->resolve);
	request_free(request);
	js_call(fn, 1, &value);
	JS_FreeValue(js.ctx, fn);
	JS_FreeValue(js.ctx, value);
}

JSValue files_request_asked(JSContext *ctx, struct files_request *request, error_t error,
                            JSValue promise)
{
	if (error == 0)
		return promise;
	JS_FreeValue(ctx, promise);
	js_throw(ctx, error, request->what);
	request_free(request);
	return JS_EXCEPTION;
}

void files_requests_end(JSContext *ctx, struct list *list)
{
	while (!list_is_empty(list)) {
		struct files_request *request =
			container_of(list->next, struct files_request, entry);
		JSValue reject = JS_DupValue(ctx, request->reject);
		JSValue error = js_error(ctx, ERR_BAD_HANDLE, "it was closed meanwhile");

		request_free(request);
		JS_FreeValue(ctx, JS_Call(ctx, reject, JS_UNDEFINED, 1, &error));
		JS_FreeValue(ctx, error);
		JS_FreeValue(ctx, reject);
	}
}

void files_request_done(void *context, error_t error)
{
	files_request_end(context, error, JS_UNDEFINED);
}

const char *js_file_type(unsigned int type)
{
	switch (type) {
	case FILE_TYPE_FILE: return "file";
	case FILE_TYPE_FOLDER: return "folder";
	case FILE_TYPE_LINK: return "link";
	default: return "other";
	}
}

// A size that a provider made up may be any.
static JSValue new_size(JSContext *ctx, uint64_t size)
{
	return size <= INT64_MAX ? JS_NewInt64(ctx, (int64_t)size)
				 : JS_NewFloat64(ctx, (double)size);
}

bool js_file_define(JSContext *ctx, JSValueConst object, const char *name, JSValue value)
{
	return JS_DefinePropertyValueStr(ctx, object, name, value, JS_PROP_C_W_E) >= 0;
}

JSValue js_file_info(JSContext *ctx, const struct file_info *info)
{
	uint32_t ms = info->modified_ns / 1000000;
	double modified = (double)info->modified * 1000 + ms;
	JSValue object = JS_NewObject(ctx);

	if (JS_IsException(object))
		return object;
	if (js_file_define(ctx, object, "type", JS_NewString(ctx, js_file_type(info->type))) &&
	    js_file_define(ctx, object, "mode", JS_NewUint32(ctx, info->mode)) &&
	    js_file_define(ctx, object, "size", new_size(ctx, info->size)) &&
	    js_file_define(ctx, object, "allocated", new_size(ctx, info->allocated)) &&
	    js_file_define(ctx, object, "modified", JS_NewFloat64(ctx, modified)))
		return object;
	JS_FreeValue(ctx, object);
	return JS_EXCEPTION;
}

void files_request_info(void *context, error_t error, const struct file_info *info)
{
	files_request_end(context, error, error == 0 ? js_file_info(js.ctx, info) : JS_UNDEFINED);
}
