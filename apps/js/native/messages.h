// SPDX-License-Identifier: MIT
//
// The messages of libs/abi as objects of scripts: {type: "echo", id: 1n, tail, handles: [...]}. One
// that no table has, or whose lengths or texts are not the table's, is {type: "unknown",
// number, data, handles}.
#pragma once

#include "apps/js/native/message_fields.h"
#include "apps/js/runtime/js.h"

// A message on its way out. Its handles are still the objects', whatever the script does meanwhile.
struct js_outgoing {
	struct message m;
	uint32_t num_objects;
	JSValue objects[MESSAGE_MAX_HANDLES];
};

// The row of a message's type; NULL: there is none.
const struct message_row *message_row_find(uint32_t number);
// The field `id` of a well-formed message. False: it has none.
bool message_id(const struct message *m, uint64_t *id);

// Makes a message of the object, which may run code of the script's: getters. `default_id` is the
// id of one that has none (0: that is an error). -1 with an exception pending, a TypeError that
// names the field or ERR_TOO_LARGE; then there is nothing to free.
int js_message_encode(JSContext *ctx, JSValueConst object, uint64_t default_id,
                      struct js_outgoing *out);
// Writes the objects' handles into the message. Runs no code of the script's. -1 with an exception
// pending: one is closed, or no object of a handle.
int js_outgoing_handles(JSContext *ctx, struct js_outgoing *out);
// It was sent: its handles are not the objects' any more.
void js_outgoing_sent(JSContext *ctx, struct js_outgoing *out);
void js_outgoing_free(JSContext *ctx, struct js_outgoing *out);

// An object for a received message, whose handles are consumed, also on failure. Throws: out of
// memory.
JSValue js_message_decode(JSContext *ctx, struct message *m);

// --- Names as atoms, made when they are first used ---

// Atoms of fields (an index into message_fields) and types (into message_rows); they stay the
// table's. JS_ATOM_NULL: out of memory, an exception is pending.
JSAtom js_field_atom(JSContext *ctx, size_t field);
JSAtom js_type_atom(JSContext *ctx, size_t row);
// The other names that a message has.
enum js_message_name {
	JS_NAME_TYPE,
	JS_NAME_TAIL,
	JS_NAME_HANDLES,
	JS_NAME_NUMBER,
	JS_NAME_DATA,
	JS_NAME_UNKNOWN,
	JS_NUM_NAMES,
};
JSAtom js_name_atom(JSContext *ctx, enum js_message_name name);
