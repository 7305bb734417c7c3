// SPDX-License-Identifier: MIT
//
// native:process: apps of the image, as who has the system handle finds, starts and kills them.
#include "apps/js/native/native.h"
#include "apps/js/runtime/handle.h"
#include "libs/starina/environ.h"
#include "libs/starina/syscall.h"

static struct js_handle_kind process_kind = { .name = "Process", .size = sizeof(struct js_handle) };

static JSValue process_object_kill(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	const struct js_handle *h = js_handle_of(ctx, self, &process_kind);
	error_t err;

	(void)argc;
	(void)argv;
	if (h == NULL)
		return JS_EXCEPTION;
	err = process_kill(h->handle);
	return err == 0 ? JS_UNDEFINED : js_throw(ctx, err, "cannot kill the process");
}

struct number {
	const char *name;
	uint64_t value;
};

// An object of these. JS_EXCEPTION: out of memory.
static JSValue object_of(JSContext *ctx, const struct number *numbers, size_t count)
{
	JSValue object = JS_NewObject(ctx);

	if (JS_IsException(object))
		return object;
	for (size_t i = 0; i < count; i++) {
		JSValue value = JS_NewInt64(ctx, (int64_t)numbers[i].value);

		if (JS_DefinePropertyValueStr(ctx, object, numbers[i].name, value, JS_PROP_C_W_E) <
		    0) {
			JS_FreeValue(ctx, object);
			return JS_EXCEPTION;
		}
	}
	return object;
}

static JSValue process_object_info(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	const struct js_handle *h = js_handle_of(ctx, self, &process_kind);
	struct process_info info;
	error_t err;

	(void)argc;
	(void)argv;
	if (h == NULL)
		return JS_EXCEPTION;
	err = process_info(h->handle, &info);
	if (err != 0)
		return js_throw(ctx, err, "nothing is known of the process");
	return object_of(ctx,
	                 (struct number[]){ { "id", info.id },
	                                    { "ended", info.state == PROCESS_ENDED },
	                                    { "restarts", info.restarts },
	                                    { "threads", info.threads },
	                                    { "waiting", info.waiting },
	                                    { "handles", info.handles },
	                                    { "memory", info.memory } },
	                 7);
}

static const JSCFunctionListEntry process_functions[] = {
	JS_CFUNC_DEF("kill", 0, process_object_kill),
	JS_CFUNC_DEF("info", 0, process_object_info),
};

typedef error_t process_getter(handle_t system, const char *name, size_t name_len, handle_t *out);

static JSValue process_get(JSContext *ctx, JSValueConst name, process_getter *get, const char *what)
{
	handle_t process;
	const char *text;
	size_t len;
	error_t err;

	text = JS_ToCStringLen(ctx, &len, name);
	if (text == NULL)
		return JS_EXCEPTION;
	err = get(environ_system(js.env), text, len, &process);
	if (js_handle_retry(ctx, err))
		err = get(environ_system(js.env), text, len, &process);
	JS_FreeCString(ctx, text);
	return err == 0 ? js_handle_new(ctx, &process_kind, process) : js_throw(ctx, err, what);
}

static JSValue native_find(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	(void)self;
	(void)argc;
	return process_get(ctx, argv[0], system_find_process, "there is no such process");
}

static JSValue native_start(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	(void)self;
	(void)argc;
	return process_get(ctx, argv[0], system_start_app, "cannot start the app");
}

static const JSCFunctionListEntry native_entries[] = {
	JS_CFUNC_DEF("find", 1, native_find),
	JS_CFUNC_DEF("start", 1, native_start),
};

static int native_init(JSContext *ctx)
{
	return js_handle_kind_init(ctx, &process_kind, process_functions,
	                           (int)(sizeof(process_functions) / sizeof(process_functions[0])));
}

const struct js_native js_native_process = {
	.name = "process",
	.entries = native_entries,
	.num_entries = (int)(sizeof(native_entries) / sizeof(native_entries[0])),
	.init = native_init,
};
