// SPDX-License-Identifier: MIT
//
// Forward, a file ends where a read brings nothing; the next one is then the one with the next
// higher number. As the last lines of a file may have come between that read and the list, it is
// read once more before. Backward, from the end of the newest file, lines are only counted.
#include "libs/logs/reader.h"

#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"

// How far back the last lines are looked for.
#define MAX_LOOKED (1024ull * 1024 * 1024)

static void read_more(struct log_reader *r);
static void look_back(struct log_reader *r);
static void find_next(struct log_reader *r);
static void find_before(struct log_reader *r);

static void close_file(struct log_reader *r)
{
	file_close(r->file);
	r->file = NULL;
}

static void failed(struct log_reader *r, error_t error)
{
	close_file(r);
	r->step = LOG_READER_IDLE;
	r->ops->failed(r->context, error);
}

static void check(struct log_reader *r, error_t error)
{
	if (error < 0)
		failed(r, error);
}

static void at_end(struct log_reader *r)
{
	r->step = LOG_READER_IDLE;
	r->ops->end(r->context);
}

// --- The files -----------------------------------------------------------------------------------

static void file_known(void *context, error_t error, const struct file_info *info)
{
	struct log_reader *r = context;

	if (error < 0) {
		failed(r, error);
		return;
	}
	r->end = r->tail.offset = info->size;
	look_back(r);
}

static void file_opened(void *context, error_t error, struct file *file)
{
	struct log_reader *r = context;

	if (error == ERR_NOT_FOUND) {
		// It was the oldest, and is gone: what follows is read.
		r->seeks = false;
		find_next(r);
	} else if (error < 0) {
		failed(r, error);
	} else {
		r->file = file;
		if (r->seeks)
			check(r, file_stat(file, file_known, r));
		else
			read_more(r);
	}
}

static void open_file(struct log_reader *r)
{
	log_path(r->folder, r->number, r->path);
	check(r, files_open(r->files, r->path, FILE_READ, file_opened, r));
}

static void take_found(struct log_reader *r)
{
	close_file(r);
	r->number = r->found;
	r->found = 0;
	r->offset = 0;
	open_file(r);
}

// --- Forward -------------------------------------------------------------------------------------

static void each_after(void *context, const struct file_entry *entry)
{
	struct log_reader *r = context;
	uint32_t number = log_number(entry->name);

	if (number > r->number && number <= LOG_NUMBER_TAKEN && entry->type == FILE_TYPE_FILE &&
	    (r->found == 0 || number < r->found))
		r->found = number;
}

static void listed_after(void *context, error_t error)
{
	struct log_reader *r = context;

	// A container that never ran has no folder.
	if (error < 0 && error != ERR_NOT_FOUND)
		failed(r, error);
	else if (error < 0 || r->found == 0)
		at_end(r);
	else if (r->file != NULL)
		read_more(r);
	else
		take_found(r);
}

static void find_next(struct log_reader *r)
{
	r->found = 0;
	check(r, files_list(r->files, r->folder, each_after, listed_after, r));
}

// Offers what is in hand, and goes on.
static void deliver(struct log_reader *r)
{
	r->step = LOG_READER_BUSY;
	while (r->done < r->length) {
		struct span rest = { r->piece + r->done, r->length - r->done };
		struct log_record record;
		bool good;
		size_t len = log_record_read(rest, &record, &good);

		if (len == 0)
			break;
		if (good && !r->ops->record(r->context, &record)) {
			r->step = LOG_READER_HELD;
			return;
		}
		r->done += len;
	}
	// No record is so long.
	if (r->done == 0 && r->length == LOG_PIECE)
		r->done = r->length;
	r->offset += r->done;
	if (r->length == LOG_PIECE || r->file == NULL)
		read_more(r);
	else if (r->found != 0)
		take_found(r);
	else
		find_next(r);
}

static void was_read(void *context, error_t error, size_t count)
{
	struct log_reader *r = context;

	if (error < 0) {
		failed(r, error);
		return;
	}
	r->length = count;
	r->done = 0;
	deliver(r);
}

static void read_more(struct log_reader *r)
{
	if (r->file == NULL)
		open_file(r);
	else
		check(r, file_read(r->file, r->offset, r->piece, LOG_PIECE, was_read, r));
}

// --- Backward ------------------------------------------------------------------------------------

static void each_before(void *context, const struct file_entry *entry)
{
	struct log_reader *r = context;
	uint32_t number = log_number(entry->name);

	if ((r->number == 0 || number < r->number) && number <= LOG_NUMBER_TAKEN &&
	    entry->type == FILE_TYPE_FILE && number > r->found)
		r->found = number;
}

static void read_from(struct log_reader *r, uint64_t offset)
{
	r->seeks = false;
	r->offset = offset;
	read_more(r);
}

static void listed_before(void *context, error_t error)
{
	struct log_reader *r = context;

	if (error < 0 && error != ERR_NOT_FOUND) {
		failed(r, error);
	} else if (error == 0 && r->found != 0) {
		take_found(r);
	} else if (r->number != 0) {
		// There are not so many lines.
		read_from(r, 0);
	} else {
		r->seeks = false;
		at_end(r);
	}
}

static void find_before(struct log_reader *r)
{
	r->found = 0;
	check(r, files_list(r->files, r->folder, each_before, listed_before, r));
}

static void looked_at(void *context, error_t error, size_t count)
{
	struct log_reader *r = context;
	uint64_t start;

	if (error < 0) {
		failed(r, error);
		return;
	}
	// It may be shorter than it said.
	start = r->end - r->length;
	r->looked += r->length;
	r->end = log_tail_look(&r->tail, (struct span){ r->piece, count }, start + count);
	if (r->tail.found)
		read_from(r, r->tail.offset);
	else if (r->looked > MAX_LOOKED)
		read_from(r, r->end);
	else
		look_back(r);
}

static void look_back(struct log_reader *r)
{
	if (r->end == 0) {
		find_before(r);
		return;
	}
	r->length = r->end < LOG_PIECE ? (size_t)r->end : LOG_PIECE;
	check(r, file_read(r->file, r->end - r->length, r->piece, r->length, looked_at, r));
}

// --- Begin and end -------------------------------------------------------------------------------

// Looks for the last lines from the newest file on.
static void seek(struct log_reader *r)
{
	r->number = 0;
	r->tail = (struct log_tail){ .wanted = r->lines };
	find_before(r);
}

error_t log_reader_start(struct log_reader *r, struct files *files, const char *folder,
                         uint64_t lines, const struct log_reader_ops *ops, void *context)
{
	*r = (struct log_reader){ .files = files,
		                  .ops = ops,
		                  .context = context,
		                  .seeks = lines != LOG_ALL,
		                  .lines = lines };
	str_copy(r->folder, folder, sizeof(r->folder));
	r->piece = heap_alloc(LOG_PIECE);
	if (r->piece == NULL) {
		r->files = NULL;
		return ERR_NO_MEMORY;
	}
	log_reader_resume(r);
	return 0;
}

void log_reader_resume(struct log_reader *r)
{
	if (r->files == NULL || r->step == LOG_READER_BUSY)
		return;
	if (r->step == LOG_READER_HELD) {
		deliver(r);
		return;
	}
	r->step = LOG_READER_BUSY;
	if (r->seeks)
		seek(r);
	else if (r->number == 0)
		find_next(r);
	else
		read_more(r);
}

void log_reader_lost(struct log_reader *r)
{
	if (r->files == NULL)
		return;
	close_file(r);
	if (r->step == LOG_READER_BUSY)
		r->step = LOG_READER_IDLE;
}

void log_reader_stop(struct log_reader *r)
{
	if (r->files == NULL)
		return;
	close_file(r);
	files_cancel(r->files, r);
	heap_free(r->piece);
	r->files = NULL;
	r->piece = NULL;
}
