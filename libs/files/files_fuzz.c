// SPDX-License-Identifier: MIT
//
// The client of a provider that answers well, badly, and what was not asked. At the end all is
// closed, and nothing may be left. An input is a list of steps: what, how, a length, and so many
// bytes.
#include <stdlib.h>

#include "libs/files/internal.h"
#include "libs/files/provider_fake.h"
#include "libs/starina/payload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OPEN_FILES 4u

static struct loop loop;
static struct files files;
static struct provider_fake provider;
static struct file *opened[OPEN_FILES];
static uint8_t buffer[2 * FILES_PIECE_MAX];
static unsigned asked, answered;
static uint64_t last_unique;

static const char *const paths[] = { "a", "a/b/f", "/", "../a/./b/..", "l", "l/f", "a/new", "x/" };

static const char *path_of(uint8_t how)
{
	return paths[how % (sizeof(paths) / sizeof(paths[0]))];
}

static void on_done(void *context, error_t error)
{
	(void)context;
	(void)error;
	answered++;
}

static void on_info(void *context, error_t error, const struct file_info *info)
{
	on_done(context, error);
	if ((error == 0) != (info != NULL))
		abort();
}

static void on_link(void *context, error_t error, const char *target)
{
	on_done(context, error);
	if (error == 0 && strlen(target) >= FILES_PATH_MAX)
		abort();
}

static void on_count(void *context, error_t error, size_t count)
{
	on_done(context, error);
	if (count > sizeof(buffer))
		abort();
}

static void on_piece(void *context, error_t error, struct file_piece *piece)
{
	on_done(context, error);
	if (error == 0 && piece->bytes.len > FILES_PIECE_MAX)
		abort();
	// All of it can be read.
	for (size_t i = 0; error == 0 && i < piece->bytes.len; i += 512)
		buffer[0] ^= piece->bytes.data[i];
}

static void on_open(void *context, error_t error, struct file *file)
{
	on_done(context, error);
	for (unsigned i = 0; error == 0 && i < OPEN_FILES; i++) {
		if (opened[i] != NULL)
			continue;
		opened[i] = file;
		return;
	}
	file_close(file);
}

static void on_entry(void *context, const struct file_entry *entry)
{
	(void)context;
	if (strlen(entry->name) > FILES_NAME_MAX || strchr(entry->name, '/') != NULL)
		abort();
}

static error_t ask_path(uint8_t how)
{
	const char *path = path_of(how >> 4);

	switch (how % 9) {
	case 0: return files_stat(&files, path, on_info, NULL);
	case 1: return files_stat_link(&files, path, on_info, NULL);
	case 2:
		return files_open(&files, path, FILE_READ | FILE_WRITE | FILE_CREATE, on_open,
		                  NULL);
	case 3: return files_list(&files, path, on_entry, on_done, NULL);
	case 4: return files_make_folder(&files, path, on_done, NULL);
	case 5: return files_make_link(&files, path, "a/b", on_done, NULL);
	case 6: return files_read_link(&files, path, on_link, NULL);
	case 7: return files_rename(&files, path, path_of(how), how % 2 != 0, on_done, NULL);
	default: return files_remove(&files, path, on_done, NULL);
	}
}

static error_t ask_file(struct file *file, uint8_t how)
{
	if (file == NULL)
		return ERR_INVALID;
	switch ((how >> 2) % 6) {
	case 0: return file_stat(file, on_info, NULL);
	case 1: return file_read_piece(file, how, 5000, on_piece, NULL);
	case 2: return file_read(file, how, buffer, sizeof(buffer), on_count, NULL);
	case 3: return file_write(file, how, buffer, sizeof(buffer), on_count, NULL);
	case 4: return file_truncate(file, how, on_done, NULL);
	default: return file_sync(file, on_done, NULL);
	}
}

// Takes a request, and answers with any bytes: with a header that fits, or without.
static void answer_badly(uint8_t how, const uint8_t *data, size_t len)
{
	struct fuse_out_header header = { .len = (uint32_t)(sizeof(header) + len) };
	struct msg_files_fuse fuse = { .length = header.len };
	uint8_t bytes[MESSAGE_MAX_DATA] = { 0 };
	size_t head = sizeof(fuse) + sizeof(header);
	handle_t folio;
	struct message m;

	if (provider.session == HANDLE_NONE)
		return;
	if ((how & 1) == 0 && fake_take(provider.session, &m, &folio)) {
		if (folio == HANDLE_NONE)
			memcpy(&last_unique, m.data + sizeof(fuse) + 8, 8);
		if (folio != HANDLE_NONE)
			handle_close(folio);
	}
	header.unique = last_unique ^ ((how & 2) != 0 ? how : 0);
	header.error = (how & 4) != 0 ? -(int32_t)(how >> 3) * 20 : 0;
	if ((how & 8) != 0)
		header.len ^= how >> 4;
	len = len < sizeof(bytes) - head ? len : sizeof(bytes) - head;
	memcpy(bytes, &fuse, sizeof(fuse));
	memcpy(bytes + sizeof(fuse), &header, sizeof(header));
	memcpy(bytes + head, data, len);
	fake_say(provider.session, MSG_FILES_FUSE, bytes, head + len,
	         fake_cargo((how & 16) != 0, true), 4096);
}

// The same with an entry in which all is right but what the input says.
static void answer_entry(uint8_t how, const uint8_t *data, size_t len)
{
	static const uint32_t modes[] = { MODE_FILE, MODE_FOLDER, MODE_LINK, 0 };
	struct fuse_entry_out entry = { .nodeid = how, .attr.mode = modes[how % 4] };
	uint8_t bytes[sizeof(entry) + sizeof(struct fuse_open_out)] = { 0 };

	memcpy(bytes, &entry, sizeof(entry));
	if (len > sizeof(bytes))
		len = sizeof(bytes);
	if (len > 2 && data[0] < sizeof(bytes))
		memcpy(bytes + data[0], data + 1,
		       len - 1 < sizeof(bytes) - data[0] ? len - 1 : sizeof(bytes) - data[0]);
	answer_badly(0, bytes, (how & 64) != 0 ? sizeof(bytes) : sizeof(entry));
}

enum { PATH, FILE_STEP, SERVE, BADLY, ENTRY, CLOSE, CANCEL, DIE, MEMORY, REFUSE, NUM_STEPS };

static void step(unsigned what, uint8_t how, const uint8_t *data, size_t len)
{
	struct file **file = &opened[how % OPEN_FILES];

	switch (what) {
	case PATH: asked += ask_path(how) == 0; break;
	case FILE_STEP: asked += ask_file(*file, how) == 0; break;
	case SERVE: provider_fake_serve(&provider); break;
	case BADLY: answer_badly(how, data, len); break;
	case ENTRY: answer_entry(how, data, len); break;
	case CLOSE:
		// Its operations are not told of.
		answered = asked;
		file_close(*file);
		*file = NULL;
		break;
	case CANCEL:
		files_cancel(&files, NULL);
		answered = asked;
		break;
	case DIE:
		if (how % 16 == 0)
			provider_fake_die(&provider);
		break;
	case MEMORY: fake_memory_fail(how); break;
	default: provider.fails = how % 4 == 0 ? how : 0; break;
	}
}

static void turn(void)
{
	fake_loop_settle(&loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	handle_t connector;

	fake_reset();
	memset(opened, 0, sizeof(opened));
	asked = answered = 0;
	last_unique = 0;
	connector = fake_connector_create();
	if (loop_init(&loop) != 0)
		abort();
	provider_fake_init(&provider, connector);
	provider.hostile = true;
	provider_fake_make(&provider, 1, "a", MODE_FOLDER, "", 0);
	provider_fake_make(&provider, 2, "b", MODE_FOLDER, "", 0);
	provider_fake_make(&provider, 3, "f", MODE_FILE, "hello", 5);
	provider_fake_make(&provider, 1, "l", MODE_LINK, "a/b", 3);
	files_start(&files, &loop, connector, "files:test");
	fake_steps(data, size, NUM_STEPS, step, turn);
	fake_memory_fail(0);
	// When the provider ends, all that was asked is answered.
	provider_fake_die(&provider);
	provider.client = fake_provider_accept(connector);
	if (files.state == FILES_OPEN || files.state == FILES_GREETING)
		fake_loop_settle(&loop);
	if (files.state == FILES_LOST && answered < asked)
		abort();
	files_stop(&files);
	provider_fake_deinit(&provider);
	loop_deinit(&loop);
	handle_close(connector);
	if (fake_num_handles() != 0 || fake_num_allocated() != 0)
		abort();
	return 0;
}
