// SPDX-License-Identifier: MIT
#include "libs/base/string.h"
#include "libs/base/utf8.h"
#include "libs/json/json.h"

// What stands for the character of `len` bytes that `text` begins with; 0: it is no character.
static struct span shown(struct span text, size_t len, uint8_t escape[6])
{
	static const char hex[] = "0123456789abcdef";
	uint8_t c = text.data[0];

	if (len > 1 || (len == 1 && c >= 0x20 && strchr("\"\\<>&'\x7f", c) == NULL))
		return (struct span){ .data = text.data, .len = len };
	if (c == '"' || c == '\\') {
		escape[0] = '\\';
		escape[1] = c;
		return (struct span){ .data = escape, .len = 2 };
	}
	memcpy(escape, len == 0 ? "\\ufffd" : "\\u00", len == 0 ? 6 : 4);
	if (len > 0) {
		escape[4] = (uint8_t)hex[c >> 4];
		escape[5] = (uint8_t)hex[c & 15];
	}
	return (struct span){ .data = escape, .len = 6 };
}

void json_write_text(struct json_writer *w, struct span text)
{
	json_write_raw(w, "\"");
	while (text.len > 0) {
		size_t len = utf8_length(text);
		uint8_t escape[6];

		json_write_span(w, shown(text, len, escape));
		len += len == 0;
		text = (struct span){ .data = text.data + len, .len = text.len - len };
	}
	json_write_raw(w, "\"");
}
