// SPDX-License-Identifier: MIT
//
// What host tests of natives need of the runtime beside jobs.c, values.c and handle.c: errors
// without the stacks of scripts, and what is watched.
#include <stdio.h>
#include <stdlib.h>

#include "apps/js/runtime/js.h"

struct js js;

void js_watch_begin(void)
{
	js.num_watched++;
}

void js_watch_end(void)
{
	if (js.num_watched-- == 0)
		abort();
}

JSValue js_error(JSContext *ctx, error_t err, const char *what)
{
	JSValue error = JS_NewError(ctx);

	JS_SetPropertyStr(ctx, error, "code", JS_NewString(ctx, js_error_name(err)));
	JS_SetPropertyStr(ctx, error, "message", JS_NewString(ctx, what));
	return error;
}

JSValue js_throw(JSContext *ctx, error_t err, const char *what)
{
	return JS_Throw(ctx, js_error(ctx, err, what));
}

_Noreturn void js_fail(JSValue error, const char *what)
{
	fprintf(stderr, "%s: %s\n", what, JS_ToCString(js.ctx, error));
	abort();
}

_Noreturn void js_fail_pending(const char *what)
{
	js_fail(JS_GetException(js.ctx), what);
}
