// SPDX-License-Identifier: MIT
//
// Errors of the system as exceptions, and the end of an app by an exception that nobody caught: its
// stack is told in lines of the TypeScript source.
#include <stdarg.h>
#include <string.h>

#include "apps/js/runtime/internal.h"
#include "libs/base/fmt.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

// Text that is put together and cut at its end.
struct js_text {
	size_t len;
	char bytes[4096];
};

static void js_text_add(struct js_text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void js_text_add(struct js_text *text, const char *format, ...)
{
	size_t room = sizeof(text->bytes) - text->len, len;
	va_list args;

	va_start(args, format);
	len = fmt_vwrite(text->bytes + text->len, room, format, args);
	va_end(args);
	if (len < room)
		text->len += len;
}

// False: an exception is pending.
static bool define_text(JSContext *ctx, JSValueConst error, const char *name, const char *text,
                        int flags)
{
	JSValue value = JS_NewString(ctx, text);

	return !JS_IsException(value) &&
		JS_DefinePropertyValueStr(ctx, error, name, value, flags) >= 0;
}

JSValue js_error(JSContext *ctx, error_t err, const char *what)
{
	const int hidden = JS_PROP_CONFIGURABLE | JS_PROP_WRITABLE;
	JSValue error = JS_NewError(ctx);
	char text[160];

	if (JS_IsException(error))
		return error;
	fmt_write(text, sizeof(text), "%s: %s", what, error_text(err));
	if (define_text(ctx, error, "name", "StarinaError", hidden) &&
	    define_text(ctx, error, "code", js_error_name(err), JS_PROP_C_W_E) &&
	    define_text(ctx, error, "message", text, hidden))
		return error;
	JS_FreeValue(ctx, error);
	return JS_EXCEPTION;
}

JSValue js_throw(JSContext *ctx, error_t err, const char *what)
{
	JSValue error = js_error(ctx, err, what);

	return JS_IsException(error) ? error : JS_Throw(ctx, error);
}

// Adds a frame, of which QuickJS wrote `line`, to `text`.
static void add_frame(struct js_text *text, struct span line)
{
	struct script_place place;

	switch (script_frame(&js_script, line, &place)) {
	case FRAME_OF_SOURCE:
		js_text_add(text, "at %.*s (%.*s:%u)\n", (int)place.name_len, place.name,
		            (int)place.source.len, (const char *)place.source.data, place.line);
		break;
	case FRAME_UNKNOWN:
		js_text_add(text, "%.*s\n", (int)line.len, (const char *)line.data);
		break;
	case FRAME_OF_API: break;
	}
}

// Cut where the text is full.
static void add_frames(struct js_text *text, const char *stack)
{
	while (*stack != '\0') {
		size_t len = strcspn(stack, "\n"), blanks = strspn(stack, " ");

		if (blanks < len)
			add_frame(text,
			          (struct span){ (const uint8_t *)stack + blanks, len - blanks });
		stack += len + (stack[len] != '\0');
	}
}

JSValue js_stack_of(JSContext *ctx, JSValueConst error)
{
	struct js_text text = { .len = 0 };
	JSValue value;
	const char *stack;

	if (!JS_IsError(ctx, error))
		return JS_NewString(ctx, "");
	value = JS_GetPropertyStr(ctx, error, "stack");
	if (JS_IsException(value))
		return value;
	stack = JS_ToCString(ctx, value);
	JS_FreeValue(ctx, value);
	if (stack == NULL)
		return JS_EXCEPTION;
	add_frames(&text, stack);
	JS_FreeCString(ctx, stack);
	return JS_NewStringLen(ctx, text.bytes, text.len);
}

_Noreturn void js_fail(JSValue error, const char *what)
{
	const char *text;

	heap_free(js.reserve);
	if (JS_IsException(error))
		error = JS_GetException(js.ctx);
	text = JS_ToCString(js.ctx, error);
	log_error("%s: %s", what, text != NULL ? text : "a value that has no text");
	text = JS_ToCString(js.ctx, js_stack_of(js.ctx, error));
	if (text != NULL)
		log_text(LOG_ERROR, text_span(text));
	process_exit(1);
}

_Noreturn void js_fail_pending(const char *what)
{
	js_fail(JS_GetException(js.ctx), what);
}
