// SPDX-License-Identifier: MIT
//
// Messages of objects of the script. Reading an object may run code of the script's (getters,
// proxies), which may do anything, close the channel and the handles included: so nothing of the
// script's is looked at before the last of that has run.
#include "apps/js/native/messages.h"
#include "apps/js/runtime/handle.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"

// What one encoding knows.
struct encoder {
	const char *type;
	uint64_t default_id;
	const struct message_row *row;  // NULL: its type is "unknown"
	struct js_outgoing *out;
};

static int encode_fields(JSContext *ctx, struct encoder *e, const struct message_layout *layout,
                         JSValueConst object, uint8_t *to);

static int wrong(JSContext *ctx, const struct encoder *e, const char *field, const char *what)
{
	JS_ThrowTypeError(ctx, "%s.%s: %s", e->type, field, what);
	return -1;
}

// The same in place of the exception that is pending.
static int wrong_instead(JSContext *ctx, const struct encoder *e, const char *field,
                         const char *what)
{
	JS_FreeValue(ctx, JS_GetException(ctx));
	return wrong(ctx, e, field, what);
}

// Lengths are often those of data from elsewhere, so this one is an error of the system's.
static int too_long(JSContext *ctx, const struct encoder *e, const char *field)
{
	char name[80];

	fmt_write(name, sizeof(name), "%s.%s", e->type, field);
	js_throw(ctx, ERR_TOO_LARGE, name);
	return -1;
}

// --- Fields --------------------------------------------------------------------------------------

static int encode_big(JSContext *ctx, const struct encoder *e, const struct message_field *field,
                      JSValueConst value, uint8_t *to)
{
	uint64_t number;

	if (!JS_IsBigInt(ctx, value))
		return wrong(ctx, e, field->name, "a bigint is wanted");
	if (js_to_u64(ctx, value, &number) < 0)
		return wrong_instead(ctx, e, field->name, "not within 0 to 2^64 - 1");
	memcpy(to, &number, sizeof(number));
	return 0;
}

static int encode_integer(JSContext *ctx, const struct encoder *e,
                          const struct message_field *field, JSValueConst value, uint8_t *to)
{
	bool is_signed = field->kind == FIELD_SIGNED;
	int64_t span = (int64_t)1 << (8 * field->size - (is_signed ? 1 : 0));
	double number;
	int64_t whole;
	char range[64];

	if (!JS_IsNumber(value))
		return wrong(ctx, e, field->name, "a number is wanted");
	if (JS_ToFloat64(ctx, &number, value) < 0)
		return -1;
	// NaN is not within.
	if (number >= (is_signed ? -(double)span : 0) && number < (double)span) {
		whole = (int64_t)number;
		if ((double)whole == number) {
			memcpy(to, &whole, field->size);
			return 0;
		}
	}
	fmt_write(range, sizeof(range), "not an integer within %lld to %lld",
	          is_signed ? -(long long)span : 0LL, (long long)span - 1);
	return wrong(ctx, e, field->name, range);
}

static int encode_integers(JSContext *ctx, const struct encoder *e,
                           const struct message_field *field, JSValueConst value, uint8_t *to)
{
	size_t element_size = 0;
	struct span bytes;
	JSValue buffer = JS_GetTypedArrayBuffer(ctx, value, NULL, NULL, &element_size);

	JS_FreeValue(ctx, buffer);
	if (JS_IsException(buffer) || js_get_bytes(ctx, value, &bytes) < 0)
		return wrong_instead(ctx, e, field->name, "a typed array is wanted");
	if (element_size != field->element_size || bytes.len != field->size)
		return wrong(ctx, e, field->name,
		             "a typed array of another kind or length is wanted");
	memcpy(to, bytes.data, bytes.len);
	return 0;
}

// A string of at most `max` bytes without NUL. Returns its length or -1.
static int encode_string(JSContext *ctx, const struct encoder *e, const char *field,
                         JSValueConst value, uint8_t *to, size_t max)
{
	size_t len;
	const char *text;
	int result;

	if (!JS_IsString(value))
		return wrong(ctx, e, field, "a string is wanted");
	text = JS_ToCStringLen(ctx, &len, value);
	if (text == NULL)
		return -1;
	if (len > max) {
		result = too_long(ctx, e, field);
	} else if (memchr(text, 0, len) != NULL) {
		result = wrong(ctx, e, field, "a text without NUL is wanted");
	} else {
		memcpy(to, text, len);
		result = (int)len;
	}
	JS_FreeCString(ctx, text);
	return result;
}

static int encode_struct(JSContext *ctx, struct encoder *e, const struct message_field *field,
                         JSValueConst value, uint8_t *to)
{
	if (!JS_IsObject(value))
		return wrong(ctx, e, field->name, "an object is wanted");
	return encode_fields(ctx, e, &field->layout, value, to);
}

// The length of an array, at most `max`, or -1.
static int array_length(JSContext *ctx, const struct encoder *e, const char *field,
                        JSValueConst value, uint32_t max)
{
	JSValue length;
	int64_t n = -1;

	if (JS_IsArray(ctx, value) <= 0)
		return wrong(ctx, e, field, "an array is wanted");
	length = JS_GetPropertyStr(ctx, value, "length");
	if (JS_IsException(length))
		return -1;
	if (JS_IsNumber(length) && JS_ToInt64(ctx, &n, length) < 0)
		n = -1;
	JS_FreeValue(ctx, length);
	if (n < 0 || n > (int64_t)max)
		return wrong(ctx, e, field, "too many elements");
	return (int)n;
}

static int encode_structs(JSContext *ctx, struct encoder *e, const struct message_field *field,
                          JSValueConst value, uint8_t *to)
{
	uint32_t max = field->size / field->element_size;
	int n = array_length(ctx, e, field->name, value, max);

	for (int i = 0; i < n; i++) {
		JSValue element = JS_GetPropertyUint32(ctx, value, (uint32_t)i);
		int result = JS_IsException(element)
			? -1
			: encode_struct(ctx, e, field, element,
		                        to + (size_t)i * field->element_size);

		JS_FreeValue(ctx, element);
		if (result < 0)
			return -1;
	}
	return n < 0 ? -1 : 0;
}

static int encode_field(JSContext *ctx, struct encoder *e, const struct message_field *field,
                        JSValueConst value, uint8_t *to)
{
	switch (field->kind) {
	case FIELD_TEXT:
		return encode_string(ctx, e, field->name, value, to, field->size - 1u) < 0 ? -1 : 0;
	case FIELD_STRUCT:
		return field->is_array ? encode_structs(ctx, e, field, value, to)
				       : encode_struct(ctx, e, field, value, to);
	default:
		if (field->is_array)
			return encode_integers(ctx, e, field, value, to);
		return field->size == sizeof(uint64_t) ? encode_big(ctx, e, field, value, to)
						       : encode_integer(ctx, e, field, value, to);
	}
}

// --- Beside the fields ---------------------------------------------------------------------------

static int encode_bytes(JSContext *ctx, const struct encoder *e, const char *name,
                        JSValueConst value, size_t at)
{
	struct message *m = &e->out->m;
	struct span bytes;

	if (js_get_bytes(ctx, value, &bytes) < 0)
		return wrong_instead(ctx, e, name, "a Uint8Array is wanted");
	if (bytes.len > MESSAGE_MAX_DATA - at)
		return too_long(ctx, e, name);
	memcpy(m->data + at, bytes.data, bytes.len);
	m->len = (uint16_t)(at + bytes.len);
	return 0;
}

static int encode_tail(JSContext *ctx, const struct encoder *e, JSValueConst value)
{
	size_t at = e->row->layout.size;
	int len;

	if (e->row->tail == MESSAGE_TAIL_NONE)
		return wrong(ctx, e, "tail", "this message has none");
	if (e->row->tail == MESSAGE_TAIL_BYTES)
		return encode_bytes(ctx, e, "tail", value, at);
	len = encode_string(ctx, e, "tail", value, e->out->m.data + at, MESSAGE_MAX_DATA - at);
	if (len < 0)
		return -1;
	e->out->m.len = (uint16_t)(at + (size_t)len);
	return 0;
}

static int encode_objects(JSContext *ctx, const struct encoder *e, JSValueConst value)
{
	uint32_t max = e->row != NULL ? e->row->max_handles : MESSAGE_MAX_HANDLES;
	int n = array_length(ctx, e, "handles", value, max);

	for (int i = 0; i < n; i++) {
		JSValue object = JS_GetPropertyUint32(ctx, value, (uint32_t)i);

		if (JS_IsException(object))
			return -1;
		e->out->objects[e->out->num_objects++] = object;
	}
	return n < 0 ? -1 : 0;
}

// What a message has besides its fields. 1: the name is none of that.
static int encode_beside(JSContext *ctx, struct encoder *e, JSAtom name, JSValueConst value)
{
	uint32_t number;

	if (name == js_name_atom(ctx, JS_NAME_TYPE))
		return 0;
	if (name == js_name_atom(ctx, JS_NAME_HANDLES) && e->out->num_objects == 0)
		return encode_objects(ctx, e, value);
	if (e->row != NULL)
		return name == js_name_atom(ctx, JS_NAME_TAIL) ? encode_tail(ctx, e, value) : 1;
	if (name == js_name_atom(ctx, JS_NAME_DATA))
		return encode_bytes(ctx, e, "data", value, 0);
	if (name != js_name_atom(ctx, JS_NAME_NUMBER))
		return 1;
	if (js_to_u32(ctx, value, UINT32_MAX, &number) < 0)
		return wrong_instead(ctx, e, "number", "a number of a message is wanted");
	e->out->m.type = number;
	return 0;
}

// --- Objects -------------------------------------------------------------------------------------

static int no_such_field(JSContext *ctx, const struct encoder *e, JSAtom name)
{
	const char *text = JS_AtomToCString(ctx, name);

	if (text == NULL)
		return -1;
	JS_ThrowTypeError(ctx, "%s has no field '%.40s'", e->type, text);
	JS_FreeCString(ctx, text);
	return -1;
}

// One property of the object. The bits of `seen` are the layout's fields that were there.
static int encode_property(JSContext *ctx, struct encoder *e, const struct message_layout *layout,
                           bool is_whole, JSValueConst object, JSAtom name, uint8_t *to,
                           uint64_t *seen)
{
	JSValue value = JS_GetProperty(ctx, object, name);
	int result = 1;

	if (JS_IsException(value))
		return -1;
	// As if it was not there.
	if (JS_IsUndefined(value))
		return 0;
	for (size_t i = 0; result == 1 && i < layout->count; i++) {
		const struct message_field *field = &message_fields[layout->first + i];

		if (js_field_atom(ctx, layout->first + i) != name)
			continue;
		result = encode_field(ctx, e, field, value, to + field->offset);
		*seen |= (uint64_t)1 << i;
	}
	if (result == 1 && is_whole)
		result = encode_beside(ctx, e, name, value);
	if (result == 1)
		result = no_such_field(ctx, e, name);
	JS_FreeValue(ctx, value);
	return result;
}

static int encode_missing(JSContext *ctx, struct encoder *e, const struct message_layout *layout,
                          bool is_whole, uint64_t seen, uint8_t *to)
{
	for (size_t i = 0; i < layout->count; i++) {
		const struct message_field *field = &message_fields[layout->first + i];

		if ((seen & ((uint64_t)1 << i)) != 0)
			continue;
		if (!is_whole || e->default_id == 0 || i + 1 != e->row->id)
			return wrong(ctx, e, field->name, "is missing");
		memcpy(to + field->offset, &e->default_id, field->size);
	}
	return 0;
}

static int encode_properties(JSContext *ctx, struct encoder *e, const struct message_layout *layout,
                             bool is_whole, JSValueConst object, uint8_t *to)
{
	JSPropertyEnum *properties = NULL;
	uint32_t n = 0;
	uint64_t seen = 0;
	int result = JS_GetOwnPropertyNames(ctx, &properties, &n, object,
	                                    JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY);

	for (uint32_t i = 0; i < n; i++) {
		if (result >= 0)
			result = encode_property(ctx, e, layout, is_whole, object,
			                         properties[i].atom, to, &seen);
		JS_FreeAtom(ctx, properties[i].atom);
	}
	js_free(ctx, properties);
	return result < 0 ? -1 : encode_missing(ctx, e, layout, is_whole, seen, to);
}

static int encode_fields(JSContext *ctx, struct encoder *e, const struct message_layout *layout,
                         JSValueConst object, uint8_t *to)
{
	return encode_properties(ctx, e, layout, false, object, to);
}

// Finds the row of the type `name`; -1 with a TypeError pending when there is none.
static int encoder_find_row(JSContext *ctx, struct encoder *e, JSAtom name)
{
	const char *text;

	if (name == js_name_atom(ctx, JS_NAME_UNKNOWN)) {
		e->type = "unknown";
		return 0;
	}
	for (size_t i = 0; i < num_message_rows; i++) {
		if (js_type_atom(ctx, i) != name)
			continue;
		e->row = &message_rows[i];
		e->type = e->row->name;
		return 0;
	}
	text = JS_AtomToCString(ctx, name);
	if (text != NULL)
		JS_ThrowTypeError(ctx, "there is no message of type '%.40s'", text);
	JS_FreeCString(ctx, text);
	return -1;
}

static int encoder_start(JSContext *ctx, struct encoder *e, JSValueConst object)
{
	JSValue type;
	JSAtom name;
	int result;

	if (!JS_IsObject(object)) {
		JS_ThrowTypeError(ctx, "a message is an object: {type: ...}");
		return -1;
	}
	type = JS_GetProperty(ctx, object, js_name_atom(ctx, JS_NAME_TYPE));
	if (JS_IsException(type))
		return -1;
	if (!JS_IsString(type)) {
		JS_FreeValue(ctx, type);
		JS_ThrowTypeError(ctx, "a message has a type: {type: ...}");
		return -1;
	}
	name = JS_ValueToAtom(ctx, type);
	JS_FreeValue(ctx, type);
	if (name == JS_ATOM_NULL)
		return -1;
	result = encoder_find_row(ctx, e, name);
	JS_FreeAtom(ctx, name);
	return result;
}

int js_message_encode(JSContext *ctx, JSValueConst object, uint64_t default_id,
                      struct js_outgoing *out)
{
	static const struct message_layout none;
	struct encoder e = { .default_id = default_id, .out = out };

	memset(out, 0, sizeof(*out));
	if (encoder_start(ctx, &e, object) < 0)
		return -1;
	if (e.row != NULL) {
		out->m.type = e.row->number;
		out->m.len = e.row->layout.size;
	}
	if (encode_properties(ctx, &e, e.row != NULL ? &e.row->layout : &none, true, object,
	                      out->m.data) == 0)
		return 0;
	js_outgoing_free(ctx, out);
	return -1;
}

int js_outgoing_handles(JSContext *ctx, struct js_outgoing *out)
{
	for (uint32_t i = 0; i < out->num_objects; i++) {
		struct js_handle *h = js_handle_of(ctx, out->objects[i], NULL);

		if (h == NULL)
			return -1;
		out->m.handles[i] = h->handle;
	}
	out->m.num_handles = (uint16_t)out->num_objects;
	return 0;
}

void js_outgoing_sent(JSContext *ctx, struct js_outgoing *out)
{
	for (uint32_t i = 0; i < out->num_objects; i++) {
		struct js_handle *h = js_handle_of(ctx, out->objects[i], NULL);

		if (h != NULL)
			js_handle_sent(ctx, h);
	}
}

void js_outgoing_free(JSContext *ctx, struct js_outgoing *out)
{
	for (uint32_t i = 0; i < out->num_objects; i++)
		JS_FreeValue(ctx, out->objects[i]);
	out->num_objects = 0;
}
