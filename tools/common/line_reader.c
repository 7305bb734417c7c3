// SPDX-License-Identifier: MIT
#include "tools/common/line_reader.h"

void line_reader_init(struct line_reader *reader, char *line, size_t size)
{
	*reader = (struct line_reader){ .line = line, .size = size };
}

bool line_reader_push(struct line_reader *reader, char byte)
{
	bool whole;

	if (byte != '\n') {
		if (byte != '\0' && reader->length < reader->size - 1)
			reader->line[reader->length++] = byte;
		else
			reader->unfit = true;
		return false;
	}
	whole = !reader->unfit;
	reader->line[reader->length] = '\0';
	reader->length = 0;
	reader->unfit = false;
	return whole;
}
