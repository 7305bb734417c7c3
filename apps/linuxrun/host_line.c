// SPDX-License-Identifier: MIT

#include "apps/linuxrun/console_ports.h"
#include "libs/base/decimal.h"

// A decimal number after one space. Returns false when there is none.
static bool take_number(struct reader *r, uint64_t *out)
{
	return reader_u8(r) == ' ' && decimal_take(&r->rest, UINT64_MAX, out);
}

struct host_line host_line_parse(struct span line)
{
	static const struct {
		const char *word;
		enum host_line_kind kind;
		uint32_t num_values;
	} words[] = {
		{ "stdin-open", HOST_LINE_STDIN_OPEN, 0 },
		{ "stdin-eof", HOST_LINE_STDIN_EOF, 1 },
		{ "signal", HOST_LINE_SIGNAL, 1 },
		{ "resize", HOST_LINE_RESIZE, 2 },
	};
	struct host_line out = { 0 };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct reader r = reader_make(line.data, line.len);

		if (!span_take_prefix(&r.rest, words[i].word))
			continue;
		if (words[i].num_values > 0 && !take_number(&r, &out.value))
			continue;
		if (words[i].num_values > 1 && !take_number(&r, &out.value2))
			continue;
		if (r.rest.len != 0)
			continue;
		out.kind = words[i].kind;
		return out;
	}
	return (struct host_line){ 0 };
}
