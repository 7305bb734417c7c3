// SPDX-License-Identifier: MIT
//
// Bodies of Docker's API that are objects in JSON, read by tables of their fields into structs.
#pragma once

#include "apps/containers/settings.h"

enum field_kind {
	FIELD_STRING,
	FIELD_STRINGS,  // a list, or one string
	FIELD_BOOL,
	FIELD_NUMBER,
	FIELD_SIZE,    // of a terminal: [rows, columns], as uint16_t[2]
	FIELD_LABELS,  // an object of strings, kept as JSON of our own
	FIELD_OBJECT,  // of more fields
	FIELD_OWN,     // of struct settings: `offset` is one of own_readers (settings.c)
	FIELD_ANY,     // has no meaning here, whatever it is
};

struct field {
	const char *name;
	enum field_kind kind;
	size_t offset;               // in the struct
	size_t present;              // of a bool that says that it was set; 0: none
	const struct field *fields;  // of FIELD_OBJECT, ended by a name of NULL
	const char *where;           // its name for people
};

// Reads a body into `target`, a struct that `fields` (ended by a name of NULL) describes. What is
// in none of them and means something is refused. Errors: ERR_PROTOCOL, ERR_INVALID, with a text
// for people in `error`, and ERR_NO_MEMORY; what was read by then is in the struct, to be freed.
__must_check error_t fields_read(void *target, const struct field *fields, struct span body,
                                 char error[static SETTINGS_ERROR_MAX]);
