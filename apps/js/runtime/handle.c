// SPDX-License-Identifier: MIT
#include "apps/js/runtime/handle.h"

#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define KINDS_MAX 16

struct js_handle_counts js_handle_counts;

static const struct js_handle_kind *kinds[KINDS_MAX];
static size_t num_kinds;

// What is received and is of no class of its own: it can be sent on and closed.
static struct js_handle_kind plain_kind = { .name = "Handle", .size = sizeof(struct js_handle) };

struct js_handle *js_handle_peek(JSValueConst value, const struct js_handle_kind *kind)
{
	JSClassID id = 0;
	void *opaque = JS_GetAnyOpaque(value, &id);

	if (kind != NULL)
		return kind->id == id ? opaque : NULL;
	for (size_t i = 0; i < num_kinds; i++) {
		if (kinds[i]->id == id)
			return opaque;
	}
	return NULL;
}

static void object_finalised(JSRuntime *rt, JSValue value)
{
	struct js_handle *h = js_handle_peek(value, NULL);

	// An object whose making failed has none.
	if (h == NULL)
		return;
	if (h->handle != HANDLE_NONE)
		js_handle_counts.open--;
	if (h->kind->finalise != NULL)
		h->kind->finalise(rt, h);
	if (h->handle != HANDLE_NONE) {
		handle_close(h->handle);
		js_handle_counts.forgotten++;
	}
	js_free_rt(rt, h);
}

static void object_mark(JSRuntime *rt, JSValueConst value, JS_MarkFunc *mark)
{
	struct js_handle *h = js_handle_peek(value, NULL);

	if (h != NULL && h->kind->mark != NULL)
		h->kind->mark(rt, h, mark);
}

static JSValue object_close(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct js_handle *h = js_handle_peek(self, NULL);

	(void)argc;
	(void)argv;
	if (h == NULL)
		return JS_ThrowTypeError(ctx, "not an object that has a handle");
	js_handle_close(ctx, h);
	return JS_UNDEFINED;
}

static JSValue object_closed(JSContext *ctx, JSValueConst self)
{
	struct js_handle *h = js_handle_peek(self, NULL);

	if (h == NULL)
		return JS_ThrowTypeError(ctx, "not an object that has a handle");
	return JS_NewBool(ctx, h->handle == HANDLE_NONE);
}

static const JSCFunctionListEntry object_functions[] = {
	JS_CFUNC_DEF("close", 0, object_close),
	JS_CGETSET_DEF("closed", object_closed, NULL),
};

int js_handle_kind_init(JSContext *ctx, struct js_handle_kind *kind,
                        const JSCFunctionListEntry *functions, int count)
{
	JSClassDef class = {
		.class_name = kind->name,
		.finalizer = object_finalised,
		.gc_mark = object_mark,
	};
	JSValue proto;

	if (kind->id == 0) {
		assert(num_kinds < KINDS_MAX);
		kinds[num_kinds++] = kind;
		JS_NewClassID(&kind->id);
	}
	if (JS_IsRegisteredClass(JS_GetRuntime(ctx), kind->id))
		return 0;
	proto = JS_NewObject(ctx);
	if (JS_IsException(proto))
		return -1;
	if (JS_NewClass(JS_GetRuntime(ctx), kind->id, &class) != 0) {
		JS_FreeValue(ctx, proto);
		return -1;
	}
	JS_SetPropertyFunctionList(ctx, proto, object_functions,
	                           (int)(sizeof(object_functions) / sizeof(object_functions[0])));
	JS_SetPropertyFunctionList(ctx, proto, functions, count);
	JS_SetClassProto(ctx, kind->id, proto);
	return 0;
}

JSValue js_handle_new(JSContext *ctx, const struct js_handle_kind *kind, handle_t handle)
{
	struct js_handle *h = js_mallocz(ctx, kind->size);
	JSValue object = h != NULL ? JS_NewObjectClass(ctx, (int)kind->id) : JS_EXCEPTION;

	if (JS_IsException(object)) {
		js_free(ctx, h);
		handle_close(handle);
		return object;
	}
	h->handle = handle;
	h->kind = kind;
	js_handle_counts.open++;
	JS_SetOpaque(object, h);
	if (kind->made != NULL)
		kind->made(h, object);
	return object;
}

void *js_handle_of(JSContext *ctx, JSValueConst value, const struct js_handle_kind *kind)
{
	struct js_handle *h = js_handle_peek(value, kind);

	if (h == NULL) {
		JS_ThrowTypeError(ctx, "not a %s", kind != NULL ? kind->name : "handle");
		return NULL;
	}
	if (h->handle == HANDLE_NONE) {
		js_throw(ctx, ERR_BAD_HANDLE, "it was closed or sent");
		return NULL;
	}
	return h;
}

void js_handle_sent(JSContext *ctx, struct js_handle *h)
{
	if (h->handle == HANDLE_NONE)
		return;
	js_handle_counts.open--;
	h->handle = HANDLE_NONE;
	if (h->kind->gone != NULL)
		h->kind->gone(ctx, h);
}

void js_handle_close(JSContext *ctx, struct js_handle *h)
{
	handle_t handle = h->handle;

	if (handle == HANDLE_NONE)
		return;
	js_handle_sent(ctx, h);
	handle_close(handle);
}

JSValue js_handle_wrap(JSContext *ctx, handle_t handle)
{
	for (size_t i = 0; i < num_kinds; i++) {
		if (kinds[i]->accepts != NULL && kinds[i]->accepts(handle))
			return js_handle_new(ctx, kinds[i], handle);
	}
	if (js_handle_kind_init(ctx, &plain_kind, NULL, 0) != 0) {
		handle_close(handle);
		return JS_EXCEPTION;
	}
	return js_handle_new(ctx, &plain_kind, handle);
}

bool js_handle_retry(JSContext *ctx, error_t error)
{
	if (error != ERR_LIMIT && error != ERR_NO_MEMORY)
		return false;
	JS_RunGC(JS_GetRuntime(ctx));
	return true;
}
