// SPDX-License-Identifier: MIT
//
// native:log: write(level, text): the lines of `text` become lines of the log.
#include "apps/js/native/native.h"
#include "libs/starina/log.h"

static JSValue log_native_write(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
	uint32_t level;
	const char *text;
	size_t len;

	(void)this_val;
	(void)argc;
	if (js_to_u32(ctx, argv[0], LOG_DEBUG, &level) != 0)
		return JS_EXCEPTION;
	text = JS_ToCStringLen(ctx, &len, argv[1]);
	if (text == NULL)
		return JS_EXCEPTION;
	log_text((enum log_level)level, (struct span){ (const uint8_t *)text, len });
	JS_FreeCString(ctx, text);
	return JS_UNDEFINED;
}

static const JSCFunctionListEntry entries[] = {
	JS_CFUNC_DEF("write", 2, log_native_write),
};

const struct js_native js_native_log = {
	.name = "log",
	.entries = entries,
	.num_entries = sizeof(entries) / sizeof(entries[0]),
};
