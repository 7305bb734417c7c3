// SPDX-License-Identifier: MIT
//
// native:text: encode(string) -> Uint8Array, decode(bytes, fatal) -> string: UTF-8, as the standard
// "Encoding" has it.
#include <string.h>

#include "apps/js/native/native.h"
#include "libs/base/utf8.h"

static const uint8_t replacement[3] = { 0xef, 0xbf, 0xbd };  // U+FFFD

// How many bytes at the start of `rest`, which is no UTF-8 sequence, are replaced by one U+FFFD:
// as many as are the start of one.
static size_t bad_length(struct span rest)
{
	uint8_t padded[4];
	size_t most = rest.len < 3 ? rest.len : 3;

	// Which sequence they would begin is tried out with bytes that may follow.
	for (size_t len = most; len > 1; len--) {
		memset(padded, 0x80, sizeof(padded));
		memcpy(padded, rest.data, len);
		if (utf8_length((struct span){ padded, 4 }) > len)
			return len;
		memset(padded + len, 0xbf, sizeof(padded) - len);
		if (utf8_length((struct span){ padded, 4 }) > len)
			return len;
	}
	return 1;
}

// Into `out`, which has room for thrice as much. Returns the length; `*bad` says whether anything
// was replaced.
static size_t replace_bad(struct span bytes, char *out, bool *bad)
{
	size_t at = 0, len = 0;

	*bad = false;
	while (at < bytes.len) {
		struct span rest = { bytes.data + at, bytes.len - at };
		size_t good = utf8_length(rest);

		if (good != 0) {
			memcpy(out + len, rest.data, good);
			len += good;
			at += good;
			continue;
		}
		memcpy(out + len, replacement, sizeof(replacement));
		len += sizeof(replacement);
		at += bad_length(rest);
		*bad = true;
	}
	return len;
}

static JSValue decode_bad(JSContext *ctx, struct span bytes)
{
	char *out = js_malloc(ctx, 3 * bytes.len);
	JSValue text;
	size_t len;
	bool bad;

	if (out == NULL)
		return JS_EXCEPTION;
	len = replace_bad(bytes, out, &bad);
	text = JS_NewStringLen(ctx, out, len);
	js_free(ctx, out);
	return text;
}

static JSValue text_decode(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
	struct span bytes;

	(void)this_val;
	(void)argc;
	if (js_get_bytes(ctx, argv[0], &bytes) != 0)
		return JS_EXCEPTION;
	if (utf8_is_valid(bytes))
		return JS_NewStringLen(ctx, (const char *)bytes.data, bytes.len);
	if (JS_ToBool(ctx, argv[1]))
		return JS_ThrowTypeError(ctx, "the bytes are not UTF-8");
	return decode_bad(ctx, bytes);
}

// Of a well-formed string: lone surrogates were replaced before.
static JSValue text_encode(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
	const char *text;
	JSValue bytes;
	size_t len;

	(void)this_val;
	(void)argc;
	text = JS_ToCStringLen(ctx, &len, argv[0]);
	if (text == NULL)
		return JS_EXCEPTION;
	bytes = js_new_bytes(ctx, (struct span){ (const uint8_t *)text, len });
	JS_FreeCString(ctx, text);
	return bytes;
}

static const JSCFunctionListEntry entries[] = {
	JS_CFUNC_DEF("encode", 1, text_encode),
	JS_CFUNC_DEF("decode", 2, text_decode),
};

const struct js_native js_native_text = {
	.name = "text",
	.entries = entries,
	.num_entries = sizeof(entries) / sizeof(entries[0]),
};
