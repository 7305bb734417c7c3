// SPDX-License-Identifier: MIT
//
// What the codec knows of the messages. The table itself (message_table.c) is made from the headers
// of libs/abi by tools/build/messages.py; numbers in it are the compiler's.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libs/abi/message.h"

enum message_field_kind {
	FIELD_UNSIGNED,
	FIELD_SIGNED,
	FIELD_TEXT,  // NUL-terminated, in a char array
	FIELD_STRUCT,
};

// A part of message_fields: the fields of a struct.
struct message_layout {
	uint16_t first;
	uint16_t count;
	uint16_t size;  // of the struct, in bytes
};

struct message_field {
	const char *name;
	uint16_t offset;        // in its struct
	uint16_t size;          // of all elements, in bytes
	uint16_t element_size;  // in bytes
	uint8_t kind;           // enum message_field_kind
	bool is_array;
	struct message_layout layout;  // FIELD_STRUCT
};

struct message_row {
	const char *name;
	uint32_t number;
	struct message_layout layout;
	uint8_t max_handles;
	uint8_t tail;  // enum message_tail
	uint16_t id;   // which field of the layout is its id, counted from 1; 0: it has none
};

extern const struct message_field message_fields[];
extern const size_t num_message_fields;
// In the order of their numbers.
extern const struct message_row message_rows[];
extern const size_t num_message_rows;
#define MESSAGE_FIELDS_MAX 512
#define MESSAGE_ROWS_MAX 256
