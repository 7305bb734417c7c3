// SPDX-License-Identifier: MIT
//
// What a log's writer asks of the disk, one request after the other: the folder and the file's end
// when it begins, or when the provider has died; then writes, and the next file when one is full.
#include "libs/base/string.h"
#include "libs/logs/internal.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"

// Of the provider, one after the other.
#define MAX_DEATHS 3u
// A longer end without a newline is none of ours.
#define END_MAX (LOG_RECORD_MAX + 1u)

static void advance(struct log_writer *w);
static void open_file(struct log_writer *w);
static void prune(struct log_writer *w);

static void close_file(struct log_writer *w)
{
	file_close(w->file);
	w->file = NULL;
	heap_free(w->end);
	w->end = NULL;
}

// A request failed, or could not be made. When the session is lost, `lost` comes, and all is done
// again.
static void failed(struct log_writer *w, error_t error)
{
	close_file(w);
	w->busy = false;
	if (error == ERR_PEER_CLOSED)
		w->broken = true;
	else
		log_writer_failed(w, error);
}

static void check(struct log_writer *w, error_t error)
{
	if (error < 0)
		failed(w, error);
}

static void lost(void *context)
{
	struct log_writer *w = context;
	error_t error = w->files.error;

	log_writer_disconnect(w);
	// At the end it is tried as long as there is patience.
	if (++w->deaths > MAX_DEATHS && !w->finishing) {
		w->deaths = 0;
		log_writer_failed(w, error);
	}
	log_writer_go(w);
}

static void connect(struct log_writer *w)
{
	w->connected = true;
	files_start(&w->files, w->loop, w->connector, w->uri);
	w->files.lost = lost;
	w->files.context = w;
}

void log_writer_disconnect(struct log_writer *w)
{
	close_file(w);
	files_stop(&w->files);
	w->busy = w->broken = w->connected = false;
}

// --- Opening -------------------------------------------------------------------------------------

static void each_name(void *context, const struct file_entry *entry)
{
	struct log_writer *w = context;
	uint32_t number = log_number(entry->name);

	if (number == 0 || entry->type != FILE_TYPE_FILE)
		return;
	w->count++;
	if (number > w->newest && number <= LOG_NUMBER_TAKEN)
		w->newest = number;
	w->oldest = w->oldest == 0 || number < w->oldest ? number : w->oldest;
}

static error_t list(struct log_writer *w, files_done_fn done)
{
	w->count = w->newest = w->oldest = 0;
	return files_list(&w->files, w->folder, each_name, done, w);
}

static void folder_made(void *context, error_t error)
{
	struct log_writer *w = context;

	if (error < 0 && error != ERR_EXISTS)
		failed(w, error);
	else
		open_file(w);
}

static void listed(void *context, error_t error)
{
	struct log_writer *w = context;

	if (w->number == 0 && (error == 0 || error == ERR_NOT_FOUND))
		w->number = w->newest > 0 ? w->newest : 1;
	if (error == ERR_NOT_FOUND) {
		// What is made is empty.
		w->size = 0;
		w->at_end = true;
		check(w, files_make_folder(&w->files, w->folder, folder_made, w));
		return;
	}
	if (error < 0)
		failed(w, error);
	else
		open_file(w);
}

static void next_file(struct log_writer *w)
{
	close_file(w);
	w->number++;
	w->size = 0;
	w->at_end = true;
	open_file(w);
}

// What follows the last newline is the torn beginning of a record, which is written over.
static void end_read(void *context, error_t error, size_t count)
{
	struct log_writer *w = context;
	size_t len = count;

	if (error < 0) {
		failed(w, error);
		return;
	}
	while (len > 0 && w->end[len - 1] != '\n')
		len--;
	heap_free(w->end);
	w->end = NULL;
	if (len == 0 && w->size > w->end_length) {
		next_file(w);
		return;
	}
	w->size = w->size - w->end_length + len;
	w->at_end = true;
	advance(w);
}

static void file_known(void *context, error_t error, const struct file_info *info)
{
	struct log_writer *w = context;

	if (error < 0) {
		failed(w, error);
		return;
	}
	w->size = info->size;
	w->end_length = info->size < END_MAX ? (size_t)info->size : END_MAX;
	if (w->end_length == 0) {
		w->at_end = true;
		advance(w);
		return;
	}
	w->end = heap_alloc(w->end_length);
	check(w,
	      w->end == NULL ? ERR_NO_MEMORY
	                     : file_read(w->file, w->size - w->end_length, w->end, w->end_length,
	                                 end_read, w));
}

static void file_opened(void *context, error_t error, struct file *file)
{
	struct log_writer *w = context;

	if (error < 0) {
		failed(w, error);
		return;
	}
	w->file = file;
	if (!w->at_end)
		check(w, file_stat(file, file_known, w));
	else if (w->size == 0 && w->number > w->max_files)
		prune(w);
	else
		advance(w);
}

static void open_file(struct log_writer *w)
{
	log_path(w->folder, w->number, w->path);
	check(w,
	      files_open(&w->files, w->path, FILE_READ | FILE_WRITE | FILE_CREATE, file_opened, w));
}

// --- No more files than there may be -------------------------------------------------------------

static void removed(void *context, error_t error)
{
	struct log_writer *w = context;

	if (error < 0 && error != ERR_NOT_FOUND)
		failed(w, error);
	else
		prune(w);
}

static void counted(void *context, error_t error)
{
	struct log_writer *w = context;

	if (error < 0) {
		failed(w, error);
	} else if (w->count <= w->max_files || w->oldest == w->number) {
		advance(w);
	} else {
		log_path(w->folder, w->oldest, w->path);
		check(w, files_remove(&w->files, w->path, removed, w));
	}
}

static void prune(struct log_writer *w)
{
	check(w, list(w, counted));
}

// --- Writing -------------------------------------------------------------------------------------

static void written(void *context, error_t error, size_t count)
{
	struct log_writer *w = context;

	w->busy = false;
	if (error < 0) {
		failed(w, error);
		return;
	}
	log_writer_done(w, count);
}

// How much of what is to be written fits into the file: whole records, but what was begun goes on.
// A record that is too large for any file has one of its own.
static size_t fitting(const struct log_writer *w)
{
	struct span bytes = w->pending;
	uint64_t room = w->max_bytes > w->size ? w->max_bytes - w->size : 0;
	const uint8_t *first = memchr(bytes.data, '\n', bytes.len);
	size_t len = room < bytes.len ? (size_t)room : bytes.len;

	if (w->max_bytes == 0 || bytes.len <= room)
		return bytes.len;
	while (len > 0 && bytes.data[len - 1] != '\n')
		len--;
	if (len == 0 && (w->in_record || w->size == 0))
		len = first != NULL ? (size_t)(first - bytes.data) + 1 : bytes.len;
	return len;
}

static void advance(struct log_writer *w)
{
	size_t len;

	if (w->file == NULL) {
		check(w, list(w, listed));
		return;
	}
	len = fitting(w);
	if (len == 0)
		next_file(w);
	else
		check(w, file_write(w->file, w->size, w->pending.data, len, written, w));
}

void log_writer_write(struct log_writer *w, struct span bytes)
{
	w->busy = true;
	w->pending = bytes;
	if (!w->connected)
		connect(w);
	advance(w);
}
