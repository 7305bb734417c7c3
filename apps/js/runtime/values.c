// SPDX-License-Identifier: MIT
//
// Between JavaScript's values and those of messages and calls.
#include <math.h>

#include "apps/js/runtime/js.h"

const char *js_error_name(error_t err)
{
	switch (err) {
#define X(name, number, text) \
	case name: return #name;
		ERROR_TABLE(X)
#undef X
	default: return "ERR_UNKNOWN";
	}
}

JSValue js_u64(JSContext *ctx, uint64_t value)
{
	return JS_NewBigUint64(ctx, value);
}

// One beyond the numbers of 63 bits, by its decimal digits: nothing of QuickJS tells whether more
// than 64 bits are needed.
static bool large_bigint_to_u64(JSContext *ctx, JSValueConst value, uint64_t *out)
{
	const char *digits = JS_ToCString(ctx, value);
	uint64_t sum = 0;
	bool fits = digits != NULL && *digits != '\0';

	for (const char *p = digits; fits && *p != '\0'; p++)
		fits = *p >= '0' && *p <= '9' && !__builtin_mul_overflow(sum, 10u, &sum) &&
			!__builtin_add_overflow(sum, (uint64_t)(*p - '0'), &sum);
	JS_FreeCString(ctx, digits);
	*out = sum;
	return fits;
}

static int bigint_to_u64(JSContext *ctx, JSValueConst value, uint64_t *out)
{
	bool fits;

	if (JS_VALUE_GET_TAG(value) == JS_TAG_SHORT_BIG_INT) {
		*out = (uint64_t)JS_VALUE_GET_SHORT_BIG_INT(value);
		fits = JS_VALUE_GET_SHORT_BIG_INT(value) >= 0;
	} else {
		fits = large_bigint_to_u64(ctx, value, out);
	}
	if (fits)
		return 0;
	if (!JS_HasException(ctx))
		JS_ThrowRangeError(ctx, "a number from 0 to 2^64 - 1 is expected");
	return -1;
}

int js_to_u64(JSContext *ctx, JSValueConst value, uint64_t *out)
{
	double number;

	if (JS_IsBigInt(ctx, value))
		return bigint_to_u64(ctx, value, out);
	if (!JS_IsNumber(value)) {
		JS_ThrowTypeError(ctx, "a bigint or a number is expected");
		return -1;
	}
	if (JS_ToFloat64(ctx, &number, value) != 0)
		return -1;
	if (!(number >= 0 && number <= 9007199254740991.0) || number != floor(number)) {
		JS_ThrowRangeError(
			ctx, "an integer from 0 to 2^53 - 1 is expected; use a bigint for more");
		return -1;
	}
	*out = (uint64_t)number;
	return 0;
}

int js_to_u32(JSContext *ctx, JSValueConst value, uint32_t max, uint32_t *out)
{
	double number;

	if (!JS_IsNumber(value)) {
		JS_ThrowTypeError(ctx, "a number is expected");
		return -1;
	}
	if (JS_ToFloat64(ctx, &number, value) != 0)
		return -1;
	if (!(number >= 0 && number <= max) || number != floor(number)) {
		JS_ThrowRangeError(ctx, "an integer from 0 to %u is expected", max);
		return -1;
	}
	*out = (uint32_t)number;
	return 0;
}

JSValue js_typed_array(JSContext *ctx, JSValue buffer, JSTypedArrayEnum type)
{
	// The constructor looks at three arguments, however many are said to be there.
	JSValue args[3] = { buffer, JS_UNDEFINED, JS_UNDEFINED };
	JSValue array;

	if (JS_IsException(buffer))
		return buffer;
	array = JS_NewTypedArray(ctx, 3, args, type);
	JS_FreeValue(ctx, buffer);
	return array;
}

JSValue js_new_bytes(JSContext *ctx, struct span bytes)
{
	return js_typed_array(ctx, JS_NewArrayBufferCopy(ctx, bytes.data, bytes.len),
	                      JS_TYPED_ARRAY_UINT8);
}

// Of an ArrayBuffer; -1 with a TypeError pending for all else.
static int buffer_bytes(JSContext *ctx, JSValueConst value, struct span *out)
{
	size_t len = 0;
	const uint8_t *data = JS_GetArrayBuffer(ctx, &len, value);

	// An empty one has no address, and neither has what is none, with an exception.
	if (data == NULL && JS_HasException(ctx))
		return -1;
	*out = (struct span){ data, len };
	return 0;
}

int js_get_bytes(JSContext *ctx, JSValueConst value, struct span *out)
{
	size_t at, len, unit;
	JSValue buffer = JS_GetTypedArrayBuffer(ctx, value, &at, &len, &unit);
	int status;

	if (JS_IsException(buffer)) {
		JS_FreeValue(ctx, JS_GetException(ctx));
		return buffer_bytes(ctx, value, out);
	}
	status = buffer_bytes(ctx, buffer, out);
	JS_FreeValue(ctx, buffer);
	if (status != 0)
		return status;
	if (at > out->len || len > out->len - at) {
		JS_ThrowTypeError(ctx, "the buffer is detached");
		return -1;
	}
	if (len != 0)
		out->data += at;
	out->len = len;
	return 0;
}

// It has no prototype, whose `then` a promise would look for: settling one runs no code of the
// script's.
JSValue js_iteration(JSContext *ctx, JSValue value, bool is_done)
{
	JSValue result = JS_IsException(value) ? JS_EXCEPTION : JS_NewObjectProto(ctx, JS_NULL);

	if (JS_IsException(result)) {
		JS_FreeValue(ctx, value);
		return result;
	}
	if (JS_DefinePropertyValueStr(ctx, result, "value", value, JS_PROP_C_W_E) >= 0 &&
	    JS_DefinePropertyValueStr(ctx, result, "done", JS_NewBool(ctx, is_done),
	                              JS_PROP_C_W_E) >= 0)
		return result;
	JS_FreeValue(ctx, result);
	return JS_EXCEPTION;
}
