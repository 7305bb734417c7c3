// SPDX-License-Identifier: MIT
//
// The names of messages and fields. Most scripts use few of them, so their atoms are made late.
#include "apps/js/native/messages.h"

static JSAtom field_atoms[MESSAGE_FIELDS_MAX];
static JSAtom type_atoms[MESSAGE_ROWS_MAX];
static JSAtom name_atoms[JS_NUM_NAMES];
static const char *const names[JS_NUM_NAMES] = {
	[JS_NAME_TYPE] = "type",     [JS_NAME_TAIL] = "tail", [JS_NAME_HANDLES] = "handles",
	[JS_NAME_NUMBER] = "number", [JS_NAME_DATA] = "data", [JS_NAME_UNKNOWN] = "unknown",
};

static JSAtom late_atom(JSContext *ctx, JSAtom *atom, const char *text)
{
	if (*atom == JS_ATOM_NULL)
		*atom = JS_NewAtom(ctx, text);
	return *atom;
}

JSAtom js_field_atom(JSContext *ctx, size_t field)
{
	return late_atom(ctx, &field_atoms[field], message_fields[field].name);
}

JSAtom js_type_atom(JSContext *ctx, size_t row)
{
	return late_atom(ctx, &type_atoms[row], message_rows[row].name);
}

JSAtom js_name_atom(JSContext *ctx, enum js_message_name name)
{
	return late_atom(ctx, &name_atoms[name], names[name]);
}

const struct message_row *message_row_find(uint32_t number)
{
	size_t low = 0, high = num_message_rows;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (message_rows[middle].number == number)
			return &message_rows[middle];
		if (message_rows[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

bool message_id(const struct message *m, uint64_t *id)
{
	const struct message_row *row = message_row_find(m->type);
	const struct message_field *field;

	if (row == NULL || row->id == 0 || m->len < row->layout.size)
		return false;
	field = &message_fields[row->layout.first + row->id - 1];
	if (field->kind != FIELD_UNSIGNED || field->is_array)
		return false;
	*id = 0;
	__builtin_memcpy(id, m->data + field->offset, field->size);
	return true;
}
