// SPDX-License-Identifier: MIT
#include "libs/logs/record.h"

#include "libs/base/string.h"

#define NAME_LENGTH 6u  // of a stream
#define AT_STREAM (DATE_LENGTH + 1)
#define AT_TAG (AT_STREAM + NAME_LENGTH + 1)

static const char *const names[] = { [LOG_STDOUT] = "stdout", [LOG_STDERR] = "stderr" };

void log_record_write(struct writer *w, const struct log_record *record,
                      const char date[static DATE_LENGTH])
{
	writer_bytes(w, date, DATE_LENGTH);
	writer_u8(w, ' ');
	writer_bytes(w, names[record->stream], NAME_LENGTH);
	writer_bytes(w, record->whole ? " F " : " P ", 3);
	writer_bytes(w, record->text.data, record->text.len);
	writer_u8(w, '\n');
}

static bool parse(struct span line, struct log_record *out)
{
	const uint8_t *bytes = line.data;

	if (line.len < LOG_HEAD_LENGTH || line.len > LOG_HEAD_LENGTH + LOG_TEXT_MAX ||
	    bytes[DATE_LENGTH] != ' ' || bytes[AT_TAG - 1] != ' ' || bytes[AT_TAG + 1] != ' ' ||
	    !date_read((struct span){ bytes, DATE_LENGTH }, &out->time))
		return false;
	out->stream = memcmp(bytes + AT_STREAM, names[LOG_STDOUT], NAME_LENGTH) == 0 ? LOG_STDOUT
										     : LOG_STDERR;
	out->whole = bytes[AT_TAG] == 'F';
	out->text = (struct span){ bytes + LOG_HEAD_LENGTH, line.len - LOG_HEAD_LENGTH };
	return memcmp(bytes + AT_STREAM, names[out->stream], NAME_LENGTH) == 0 &&
		(out->whole || bytes[AT_TAG] == 'P');
}

size_t log_record_read(struct span bytes, struct log_record *out, bool *good)
{
	const uint8_t *end = bytes.len > 0 ? memchr(bytes.data, '\n', bytes.len) : NULL;
	size_t len;

	*out = (struct log_record){ 0 };
	*good = false;
	if (end == NULL)
		return 0;
	len = (size_t)(end - bytes.data);
	*good = parse((struct span){ bytes.data, len }, out);
	return len + 1;
}

// --- From the end --------------------------------------------------------------------------------

static size_t newline_before(struct span piece, size_t end)
{
	while (end > 0 && piece.data[end - 1] != '\n')
		end--;
	return end;
}

// The record at [start, end) of a piece. A line that is not whole counts when it is the last one.
static void count(struct log_tail *tail, struct span piece, size_t start, size_t end,
                  uint64_t offset)
{
	struct log_record record;
	bool good;

	(void)log_record_read((struct span){ piece.data + start, end - start }, &record, &good);
	if (!good)
		return;
	if (record.whole || !tail->begun) {
		tail->found = tail->wanted == 0;
		tail->wanted -= tail->found ? 0 : 1;
	}
	tail->begun = true;
	// This one is before the first that is wanted, or belongs to it.
	if (!tail->found)
		tail->offset = offset + start;
}

uint64_t log_tail_look(struct log_tail *tail, struct span piece, uint64_t end)
{
	uint64_t offset = end - piece.len;
	size_t last = newline_before(piece, piece.len);

	while (last > 0 && !tail->found) {
		size_t start = newline_before(piece, last - 1);

		// Its start may lie before the piece.
		if (start == 0 && offset > 0)
			break;
		count(tail, piece, start, last, offset);
		last = start;
	}
	// A piece without a newline but at its end has no record.
	if (offset == 0 || last == 0 || last == piece.len)
		return offset;
	return offset + last;
}
