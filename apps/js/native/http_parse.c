// SPDX-License-Identifier: MIT
//
// What a server says, for http.fetch: the parsers of libs/http. It is hostile.
#include "apps/js/native/http.h"
#include "libs/base/string.h"
#include "libs/http/chunked.h"

static JSClassID chunked_class;

// False: it threw; `value` may have done so before.
static bool define(JSContext *ctx, JSValueConst object, const char *name, JSValue value)
{
	return !JS_IsException(value) &&
		JS_DefinePropertyValueStr(ctx, object, name, value, JS_PROP_C_W_E) >= 0;
}

static JSValue head_value(JSContext *ctx, const struct http_response_head *head, size_t size)
{
	JSValue object = JS_NewObject(ctx);
	// More than a script's numbers are exact for is no length.
	bool has_length = head->has_length && head->content_length < 1ull << 53;

	if (head->has_length && !has_length) {
		JS_FreeValue(ctx, object);
		return js_throw(ctx, ERR_PROTOCOL, "the length of the answer");
	}
	if (JS_IsException(object) ||
	    (define(ctx, object, "size", JS_NewUint32(ctx, (uint32_t)size)) &&
	     define(ctx, object, "status", JS_NewUint32(ctx, head->status)) &&
	     define(ctx, object, "fields", js_http_fields(ctx, head->fields, head->num_fields)) &&
	     define(ctx, object, "chunked", JS_NewBool(ctx, head->chunked)) &&
	     define(ctx, object, "length",
	            has_length ? JS_NewInt64(ctx, (int64_t)head->content_length) : JS_UNDEFINED)))
		return object;
	JS_FreeValue(ctx, object);
	return JS_EXCEPTION;
}

JSValue js_http_response_head(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct http_response_head head;
	struct span bytes;
	JSValue result;
	uint8_t *copy;
	size_t size;
	error_t err;

	(void)self;
	(void)argc;
	if (js_get_bytes(ctx, argv[0], &bytes) != 0)
		return JS_EXCEPTION;
	size = http_head_length(bytes, 0);
	if (size > HTTP_MAX_HEAD || (size == 0 && bytes.len >= HTTP_MAX_HEAD))
		return js_throw(ctx, ERR_TOO_LARGE, "the head of the answer");
	if (size == 0)
		return JS_UNDEFINED;
	// Making objects may run the garbage collection, and what that runs is no matter to a copy.
	copy = js_malloc(ctx, size);
	if (copy == NULL)
		return JS_EXCEPTION;
	memcpy(copy, bytes.data, size);
	err = http_response_parse((struct span){ copy, size }, &head);
	result = err == 0 ? head_value(ctx, &head, size)
			  : js_throw(ctx, err, "the head of the answer");
	js_free(ctx, copy);
	return result;
}

// --- Chunks --------------------------------------------------------------------------------------

static void chunked_finalised(JSRuntime *rt, JSValue value)
{
	js_free_rt(rt, JS_GetOpaque(value, chunked_class));
}

static const JSClassDef chunked_class_def = { .class_name = "Chunked",
	                                      .finalizer = chunked_finalised };

JSValue js_http_chunked(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct http_chunked *d = js_mallocz(ctx, sizeof(*d));
	JSValue object = d != NULL ? JS_NewObjectClass(ctx, (int)chunked_class) : JS_EXCEPTION;

	(void)self;
	(void)argc;
	(void)argv;
	if (JS_IsException(object))
		js_free(ctx, d);
	else
		JS_SetOpaque(object, d);
	return object;
}

// take(bytes): what is data of it.
static JSValue chunked_take(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct http_chunked *d = JS_GetOpaque2(ctx, self, chunked_class);
	struct span in, piece;
	size_t len = 0;
	uint8_t *out;
	JSValue value = JS_UNDEFINED;

	(void)argc;
	if (d == NULL || js_get_bytes(ctx, argv[0], &in) != 0)
		return JS_EXCEPTION;
	out = js_malloc(ctx, in.len > 0 ? in.len : 1);
	if (out == NULL)
		return JS_EXCEPTION;
	while (in.len > 0 && d->state != HTTP_CHUNK_END && !JS_IsException(value)) {
		if (http_chunked_take(d, &in, &piece) < 0) {
			value = js_throw(ctx, ERR_PROTOCOL, "a chunk of the answer");
		} else {
			memcpy(out + len, piece.data, piece.len);
			len += piece.len;
		}
	}
	if (!JS_IsException(value))
		value = js_new_bytes(ctx, (struct span){ out, len });
	js_free(ctx, out);
	return value;
}

static JSValue chunked_ended(JSContext *ctx, JSValueConst self)
{
	const struct http_chunked *d = JS_GetOpaque2(ctx, self, chunked_class);

	return d != NULL ? JS_NewBool(ctx, d->state == HTTP_CHUNK_END) : JS_EXCEPTION;
}

static const JSCFunctionListEntry chunked_functions[] = {
	JS_CFUNC_DEF("take", 1, chunked_take),
	JS_CGETSET_DEF("ended", chunked_ended, NULL),
};

int js_http_parse_init(JSContext *ctx)
{
	return js_http_class(ctx, &chunked_class, &chunked_class_def, chunked_functions,
	                     sizeof(chunked_functions) / sizeof(chunked_functions[0]));
}
