// SPDX-License-Identifier: MIT
//
// An app with files of a provider, and what its callbacks have told, for tests of libs/files.
#pragma once

#include "libs/files/internal.h"
#include "libs/files/provider_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct loop loop;
static struct files files;
static struct provider_fake provider;
static handle_t connector;

// What a callback has told.
static struct {
	unsigned count;
	error_t error;
	struct file *file;
	struct file_info info;
	struct file_space space;
	size_t bytes;
	char text[FILES_PATH_MAX];
	handle_t folio;
	uint32_t offset;
	unsigned num_entries;
	struct file_entry entries[16];
} told;

static inline void settle(void)
{
	do
		fake_loop_settle(&loop);
	while (provider_fake_serve(&provider));
}

static inline int setup(void **state)
{
	(void)state;
	fake_reset();
	memset(&told, 0, sizeof(told));
	connector = fake_connector_create();
	if (loop_init(&loop) != 0)
		return -1;
	provider_fake_init(&provider, connector);
	files_start(&files, &loop, connector, "files:test");
	settle();
	return 0;
}

// Nothing is left, here and at the provider.
static inline int teardown(void **state)
{
	(void)state;
	settle();
	if (files.state == FILES_OPEN) {
		assert_int_equal(provider_fake_lookups(&provider), 0);
		assert_int_equal(provider.num_open, 0);
	}
	files_stop(&files);
	provider_fake_deinit(&provider);
	assert_int_equal(fake_num_allocated(), 0);
	loop_deinit(&loop);
	handle_close(connector);
	assert_int_equal(fake_num_handles(), 0);
	return 0;
}

// --- Asking and waiting --------------------------------------------------------------------------

static inline void tell(error_t error)
{
	told.count++;
	told.error = error;
}

static inline void on_done(void *context, error_t error)
{
	(void)context;
	tell(error);
}

static inline void on_info(void *context, error_t error, const struct file_info *info)
{
	(void)context;
	tell(error);
	if (error == 0)
		told.info = *info;
}

static inline void on_open(void *context, error_t error, struct file *file)
{
	(void)context;
	tell(error);
	told.file = file;
	assert_true((error == 0) == (file != NULL));
}

static inline void on_count(void *context, error_t error, size_t count)
{
	(void)context;
	tell(error);
	told.bytes = count;
}

static inline void on_link(void *context, error_t error, const char *target)
{
	(void)context;
	tell(error);
	if (error == 0)
		str_copy(told.text, target, sizeof(told.text));
}

static inline void on_space(void *context, error_t error, const struct file_space *space)
{
	(void)context;
	tell(error);
	if (error == 0)
		told.space = *space;
}

static inline void on_piece(void *context, error_t error, struct file_piece *piece)
{
	(void)context;
	tell(error);
	told.folio = HANDLE_NONE;
	if (error < 0)
		return;
	told.bytes = piece->bytes.len;
	told.offset = piece->offset;
	told.folio = piece->folio;
	piece->folio = HANDLE_NONE;
}

static inline void on_entry(void *context, const struct file_entry *entry)
{
	(void)context;
	if (told.num_entries < 16)
		told.entries[told.num_entries++] = *entry;
}

// The outcome of what was asked: its callback's error, or what it returned.
static inline error_t outcome(error_t err)
{
	unsigned before = told.count;

	if (err < 0)
		return err;
	settle();
	assert_int_equal(told.count, before + 1);
	return told.error;
}

static inline error_t stat_path(const char *path)
{
	return outcome(files_stat(&files, path, on_info, NULL));
}

static inline struct file *open_path(const char *path, uint32_t flags)
{
	assert_int_equal(outcome(files_open(&files, path, flags, on_open, NULL)), 0);
	return told.file;
}

static inline error_t open_error(const char *path, uint32_t flags)
{
	return outcome(files_open(&files, path, flags, on_open, NULL));
}

static inline uint32_t make(uint32_t parent, const char *name, uint32_t mode, const char *data)
{
	return provider_fake_make(&provider, parent, name, mode, data, strlen(data));
}
