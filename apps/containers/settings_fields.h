// SPDX-License-Identifier: MIT
//
// Bodies of Docker's API that are objects in JSON, read by tables of their fields into structs.
#pragma once

#include "apps/containers/settings.h"
#include "libs/json/json.h"

enum field_kind {
	FIELD_STRING,
	FIELD_STRINGS,  // a list, or one string
	FIELD_BOOL,
	FIELD_NUMBER,
	FIELD_SIZE,    // of a terminal: [rows, columns], as uint16_t[2]
	FIELD_LABELS,  // an object of strings, kept as JSON of our own
	FIELD_RAW,     // kept as it is, JSON, to be read later
	FIELD_OBJECT,  // of more fields
	FIELD_OWN,     // of struct settings: `offset` is one of own_readers (settings.c)
	FIELD_ANY,     // has no meaning here, whatever it is
	// These may be what clients send for "not set".
	// Or a string that is the name of one of `fields`, which are FIELD_ANY or FIELD_WARNED.
	FIELD_CHOICE,
	FIELD_REFUSED,  // and nothing else
	FIELD_WARNED,   // or anything, without effect: a string_list gets `where`
};

struct field {
	const char *name;
	enum field_kind kind;
	size_t offset;  // in the struct
	// Of a bool that says that it was set; of FIELD_WARNED, of an int64_t that a number is
	// kept in, for inspect, and 0 for what is none. 0: none.
	size_t present;
	// Of FIELD_OBJECT and FIELD_CHOICE. The last row of a table has a name of NULL, and
	// here where the table goes on, or NULL.
	const struct field *fields;
	// Of FIELD_OBJECT its name for people; of the last three kinds what is said.
	const char *where;
};

// Reads a body into `target`, a struct that `fields` describes. What is
// in none of them and means something is refused. Errors: ERR_PROTOCOL, ERR_INVALID, with a text
// for people in `error`, and ERR_NO_MEMORY; what was read by then is in the struct, to be freed.
__must_check error_t fields_read(void *target, const struct field *fields, struct span body,
                                 char error[static SETTINGS_ERROR_MAX]);
// A whole number, with or without a minus; what is none is told by the reader's status.
int64_t fields_take_number(struct json_reader *r);
// The fields of a body of create.
extern const struct field settings_body_fields[];
// Further rows of Config and of HostConfig: settings_host.h.
extern const struct field settings_config_rows[], settings_host_rows[];
