// SPDX-License-Identifier: MIT
// Any bytes as the file of a log: what is read lies in it, says what it says when it is written
// again, and the last lines that are found backwards are the last ones forwards.
#include <stdlib.h>
#include <string.h>

#include "libs/logs/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static void check_record(struct span line, const struct log_record *record)
{
	static uint8_t bytes[LOG_RECORD_MAX];
	struct writer w = writer_make(bytes, sizeof(bytes));
	char date[DATE_LENGTH + 1];

	check(record->text.data >= line.data &&
	      record->text.data + record->text.len < line.data + line.len);
	date_write(record->time, date);
	log_record_write(&w, record, date);
	check(writer_status(&w) == 0 && w.len == line.len && memcmp(bytes, line.data, w.len) == 0);
}

// Lines of the container, and the longest line of the file.
static uint64_t count(struct span log, size_t *longest)
{
	struct log_record record;
	bool open = false, good;
	uint64_t lines = 0;
	size_t len;

	while ((len = log_record_read(log, &record, &good)) != 0) {
		if (good) {
			check_record((struct span){ log.data, len }, &record);
			lines += record.whole ? 1 : 0;
			open = !record.whole;
		}
		*longest = len > *longest ? len : *longest;
		log = (struct span){ log.data + len, log.len - len };
	}
	*longest = log.len > *longest ? log.len : *longest;
	return lines + (open ? 1 : 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t longest = 1, unused = 0, piece;
	struct log_tail tail = { 0 };
	struct span log;
	uint64_t end, lines;

	if (size < 2)
		return 0;
	tail.wanted = data[0];
	log = (struct span){ data + 2, size - 2 };
	lines = count(log, &longest);
	piece = longest + 1 + data[1];
	tail.offset = end = log.len;
	while (end > 0 && !tail.found) {
		size_t len = end < piece ? (size_t)end : piece;
		uint64_t next =
			log_tail_look(&tail, (struct span){ log.data + end - len, len }, end);

		check(next < end && tail.offset <= log.len);
		end = next;
	}
	check(tail.found == (lines > data[0]));
	if (tail.found)
		check(count((struct span){ log.data + tail.offset, log.len - (size_t)tail.offset },
		            &unused) == data[0]);
	return 0;
}
