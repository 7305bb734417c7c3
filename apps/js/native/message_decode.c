// SPDX-License-Identifier: MIT
//
// Messages from peers, who may send anything: what is not as the table has it becomes "unknown".
#include "apps/js/native/messages.h"
#include "apps/js/runtime/handle.h"
#include "libs/base/string.h"
#include "libs/base/utf8.h"
#include "libs/starina/payload.h"

static int decode_fields(JSContext *ctx, JSValueConst object, const struct message_layout *layout,
                         const uint8_t *from);

// Consumes `value`. -1 with an exception pending.
static int define(JSContext *ctx, JSValueConst object, JSAtom name, JSValue value)
{
	if (JS_IsException(value))
		return -1;
	if (name == JS_ATOM_NULL) {
		JS_FreeValue(ctx, value);
		return -1;
	}
	return JS_DefinePropertyValue(ctx, object, name, value, JS_PROP_C_W_E);
}

static JSValue decode_integer(JSContext *ctx, const struct message_field *field,
                              const uint8_t *from)
{
	uint64_t value = 0;

	__builtin_memcpy(&value, from, field->size);
	if (field->size == sizeof(value))
		return JS_NewBigUint64(ctx, value);
	if (field->kind == FIELD_UNSIGNED)
		return JS_NewUint32(ctx, (uint32_t)value);
	switch (field->size) {
	case 1: return JS_NewInt32(ctx, (int8_t)value);
	case 2: return JS_NewInt32(ctx, (int16_t)value);
	default: return JS_NewInt32(ctx, (int32_t)value);
	}
}

static JSTypedArrayEnum array_type(const struct message_field *field)
{
	bool is_signed = field->kind == FIELD_SIGNED;

	switch (field->element_size) {
	case 1: return is_signed ? JS_TYPED_ARRAY_INT8 : JS_TYPED_ARRAY_UINT8;
	case 2: return is_signed ? JS_TYPED_ARRAY_INT16 : JS_TYPED_ARRAY_UINT16;
	case 4: return is_signed ? JS_TYPED_ARRAY_INT32 : JS_TYPED_ARRAY_UINT32;
	default: return JS_TYPED_ARRAY_BIG_UINT64;
	}
}

static JSValue decode_integers(JSContext *ctx, const struct message_field *field,
                               const uint8_t *from)
{
	return js_typed_array(ctx, JS_NewArrayBufferCopy(ctx, from, field->size),
	                      array_type(field));
}

static JSValue decode_text(JSContext *ctx, const struct message_field *field, const uint8_t *from)
{
	const char *text = (const char *)from;
	const void *end = __builtin_memchr(text, 0, field->size);
	size_t len = end != NULL ? (size_t)((const char *)end - text) : field->size;

	return JS_NewStringLen(ctx, text, len);
}

static JSValue decode_struct(JSContext *ctx, const struct message_layout *layout,
                             const uint8_t *from)
{
	JSValue object = JS_NewObject(ctx);

	if (JS_IsException(object) || decode_fields(ctx, object, layout, from) == 0)
		return object;
	JS_FreeValue(ctx, object);
	return JS_EXCEPTION;
}

static JSValue decode_structs(JSContext *ctx, const struct message_field *field,
                              const uint8_t *from)
{
	JSValue array = JS_NewArray(ctx);

	for (uint32_t i = 0; !JS_IsException(array) && i < field->size / field->element_size; i++) {
		JSValue element =
			decode_struct(ctx, &field->layout, from + i * field->element_size);

		if (!JS_IsException(element) &&
		    JS_DefinePropertyValueUint32(ctx, array, i, element, JS_PROP_C_W_E) >= 0)
			continue;
		JS_FreeValue(ctx, array);
		array = JS_EXCEPTION;
	}
	return array;
}

static JSValue decode_field(JSContext *ctx, const struct message_field *field, const uint8_t *from)
{
	switch (field->kind) {
	case FIELD_TEXT: return decode_text(ctx, field, from);
	case FIELD_STRUCT:
		return field->is_array ? decode_structs(ctx, field, from)
				       : decode_struct(ctx, &field->layout, from);
	default:
		return field->is_array ? decode_integers(ctx, field, from)
				       : decode_integer(ctx, field, from);
	}
}

static int decode_fields(JSContext *ctx, JSValueConst object, const struct message_layout *layout,
                         const uint8_t *from)
{
	for (size_t i = layout->first; i < (size_t)layout->first + layout->count; i++) {
		const struct message_field *field = &message_fields[i];

		if (define(ctx, object, js_field_atom(ctx, i),
		           decode_field(ctx, field, from + field->offset)) < 0)
			return -1;
	}
	return 0;
}

// Consumes the handles of `m`, each of which is HANDLE_NONE when it is an object's.
static JSValue decode_handles(JSContext *ctx, struct message *m)
{
	JSValue array = JS_NewArray(ctx);

	for (uint32_t i = 0; !JS_IsException(array) && i < m->num_handles; i++) {
		JSValue object = js_handle_wrap(ctx, m->handles[i]);

		m->handles[i] = HANDLE_NONE;
		if (!JS_IsException(object) &&
		    JS_DefinePropertyValueUint32(ctx, array, i, object, JS_PROP_C_W_E) >= 0)
			continue;
		JS_FreeValue(ctx, array);
		array = JS_EXCEPTION;
	}
	return array;
}

static JSValue type_string(JSContext *ctx, JSAtom atom)
{
	return atom == JS_ATOM_NULL ? JS_EXCEPTION : JS_AtomToString(ctx, atom);
}

static int decode_known(JSContext *ctx, JSValueConst object, const struct message_row *row,
                        struct message *m)
{
	const uint8_t *tail = m->data + row->layout.size;
	size_t tail_len = m->len - (size_t)row->layout.size;
	JSAtom type = js_type_atom(ctx, (size_t)(row - message_rows));

	if (define(ctx, object, js_name_atom(ctx, JS_NAME_TYPE), type_string(ctx, type)) < 0 ||
	    decode_fields(ctx, object, &row->layout, m->data) < 0)
		return -1;
	if (row->tail != MESSAGE_TAIL_NONE &&
	    define(ctx, object, js_name_atom(ctx, JS_NAME_TAIL),
	           row->tail == MESSAGE_TAIL_UTF8
	                   ? JS_NewStringLen(ctx, (const char *)tail, tail_len)
	                   : js_new_bytes(ctx, (struct span){ tail, tail_len })) < 0)
		return -1;
	if (row->max_handles == 0)
		return 0;
	return define(ctx, object, js_name_atom(ctx, JS_NAME_HANDLES), decode_handles(ctx, m));
}

static int decode_unknown(JSContext *ctx, JSValueConst object, struct message *m)
{
	JSAtom type = js_name_atom(ctx, JS_NAME_UNKNOWN);

	if (define(ctx, object, js_name_atom(ctx, JS_NAME_TYPE), type_string(ctx, type)) < 0 ||
	    define(ctx, object, js_name_atom(ctx, JS_NAME_NUMBER), JS_NewUint32(ctx, m->type)) <
	            0 ||
	    define(ctx, object, js_name_atom(ctx, JS_NAME_DATA),
	           js_new_bytes(ctx, (struct span){ m->data, m->len })) < 0)
		return -1;
	return define(ctx, object, js_name_atom(ctx, JS_NAME_HANDLES), decode_handles(ctx, m));
}

// What a script can send on: UTF-8 without NUL.
static bool is_text(struct span bytes)
{
	return (bytes.len == 0 || memchr(bytes.data, 0, bytes.len) == NULL) && utf8_is_valid(bytes);
}

static bool has_texts(const struct message_layout *layout, const uint8_t *from);

static bool field_has_texts(const struct message_field *field, const uint8_t *from)
{
	if (field->kind == FIELD_TEXT) {
		const uint8_t *end = memchr(from, 0, field->size);

		return end != NULL && utf8_is_valid((struct span){ from, (size_t)(end - from) });
	}
	if (field->kind != FIELD_STRUCT)
		return true;
	for (uint32_t at = 0; at < field->size; at += field->element_size) {
		if (!has_texts(&field->layout, from + at))
			return false;
	}
	return true;
}

// Whether each text of the struct is one.
static bool has_texts(const struct message_layout *layout, const uint8_t *from)
{
	for (size_t i = layout->first; i < (size_t)layout->first + layout->count; i++) {
		if (!field_has_texts(&message_fields[i], from + message_fields[i].offset))
			return false;
	}
	return true;
}

static bool is_well_formed(const struct message_row *row, const struct message *m)
{
	struct span tail;

	if (row == NULL || m->len < row->layout.size || m->num_handles > row->max_handles)
		return false;
	tail = (struct span){ m->data + row->layout.size, m->len - (size_t)row->layout.size };
	if (row->tail == MESSAGE_TAIL_NONE && tail.len != 0)
		return false;
	return (row->tail != MESSAGE_TAIL_UTF8 || is_text(tail)) &&
		has_texts(&row->layout, m->data);
}

JSValue js_message_decode(JSContext *ctx, struct message *m)
{
	const struct message_row *row = message_row_find(m->type);
	JSValue object = JS_NewObject(ctx);

	if (!JS_IsException(object) &&
	    (is_well_formed(row, m) ? decode_known(ctx, object, row, m)
	                            : decode_unknown(ctx, object, m)) < 0) {
		JS_FreeValue(ctx, object);
		object = JS_EXCEPTION;
	}
	if (JS_IsException(object))
		message_discard(m);
	return object;
}
