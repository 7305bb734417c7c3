// SPDX-License-Identifier: MIT
//
// The folder of the store in memory, for one test: its server dies when it is told to.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apps/images/images.h"
#include "libs/starina/environ.h"
#include "libs/starina/syscall.h"

#define FILES_MAX 16u

struct fake_file {
	char name[2 * IMAGES_FILE_MAX];  // "": none
	enum file_type type;
	char *text;
	uint64_t size;
};

static struct fake_file files[FILES_MAX];
static unsigned deaths;     // so many requests are not answered
static bool does_and_dies;  // but done all the same
static bool is_lost;
static bool is_full;        // nothing more can be written
static error_t opened;      // how it is opened
static const char *broken;  // a file that cannot be read
static char swept[IMAGES_FILE_MAX];

error_t random_get(void *bytes, size_t len)
{
	memset(bytes, 0x5a, len);
	return 0;
}

handle_t environ_connector(const struct environ *env, const char *service)
{
	(void)env;
	(void)service;
	return 1;
}

void request_refuse(const struct request *request, uint32_t status, const char *format, ...)
{
	(void)request;
	(void)status;
	(void)format;
}

void sweep_add(struct images *of, const char *name)
{
	(void)of;
	snprintf(swept, sizeof(swept), "%s", name);
}

static struct fake_file *find(const char *name)
{
	for (size_t i = 0; i < FILES_MAX; i++)
		if (strcmp(files[i].name, name) == 0)
			return &files[i];
	return NULL;
}

static void put(const char *name, enum file_type type, const char *text, uint64_t size)
{
	struct fake_file *file = find(name) != NULL ? find(name) : find("");

	assert_non_null(file);
	free(file->text);
	*file = (struct fake_file){ .type = type, .text = strdup(text), .size = size };
	snprintf(file->name, sizeof(file->name), "%s", name);
}

static void take_away(struct fake_file *file)
{
	free(file->text);
	*file = (struct fake_file){ 0 };
}

// Whether the server dies of a request.
static bool dies(void)
{
	if (deaths == 0)
		return false;
	deaths--;
	is_lost = true;
	return true;
}

bool folder_is_lost(const struct folder *folder)
{
	(void)folder;
	return is_lost;
}

error_t folder_open(handle_t connector, const char *uri, struct folder **out)
{
	(void)connector;
	(void)uri;
	is_lost = false;
	*out = (struct folder *)(void *)files;
	return opened;
}

void folder_close(struct folder *folder)
{
	(void)folder;
}

// Fails for `broken`.
error_t folder_read(struct folder *folder, const char *path, size_t max, uint8_t **bytes,
                    size_t *len)
{
	struct fake_file *file = find(path);

	(void)folder;
	if (dies())
		return ERR_PEER_CLOSED;
	if (file == NULL)
		return ERR_NOT_FOUND;
	if (broken != NULL && strcmp(broken, path) == 0)
		return ERR_IO;
	*len = strlen(file->text);
	*bytes = (uint8_t *)strdup(file->text);
	return *len <= max ? 0 : ERR_TOO_LARGE;
}

error_t folder_write(struct folder *folder, const char *path, const void *bytes, size_t len)
{
	char *text = strndup(bytes, len);

	(void)folder;
	if (dies()) {
		free(text);
		return ERR_PEER_CLOSED;
	}
	if (is_full) {
		free(text);
		return ERR_NO_SPACE;
	}
	put(path, FILE_TYPE_FILE, text, len);
	free(text);
	return 0;
}

error_t folder_stat_link(struct folder *folder, const char *path, struct file_info *out)
{
	const struct fake_file *file = find(path);

	(void)folder;
	if (dies())
		return ERR_PEER_CLOSED;
	if (file == NULL)
		return ERR_NOT_FOUND;
	*out = (struct file_info){ .type = file->type, .size = file->size };
	return 0;
}

error_t folder_list(struct folder *folder, const char *path, files_entry_fn each, void *context)
{
	size_t len = strcmp(path, "/") == 0 ? 0 : strlen(path) + 1;

	(void)folder;
	for (size_t i = 0; i < FILES_MAX; i++) {
		struct file_entry entry = { .type = files[i].type };
		const char *name = files[i].name;

		if (strlen(name) <= len || (len > 0 && strncmp(name, path, len - 1) != 0) ||
		    strchr(name + len, '/') != NULL)
			continue;
		snprintf(entry.name, sizeof(entry.name), "%s", name + len);
		each(context, &entry);
		// In the midst of it.
		if (dies())
			return ERR_PEER_CLOSED;
	}
	return 0;
}

error_t folder_make_folder(struct folder *folder, const char *path)
{
	(void)folder;
	if (find(path) != NULL)
		return ERR_EXISTS;
	put(path, FILE_TYPE_FOLDER, "", 0);
	return 0;
}

error_t folder_rename(struct folder *folder, const char *from, const char *to, bool keep)
{
	struct fake_file *file = find(from), *old = find(to);
	bool is_dying = dies();

	(void)folder;
	(void)keep;
	if (is_dying && !does_and_dies)
		return ERR_PEER_CLOSED;
	if (file == NULL)
		return ERR_NOT_FOUND;
	if (old != NULL && old->type == FILE_TYPE_FOLDER)
		return ERR_IS_FOLDER;
	if (old != NULL)
		take_away(old);
	snprintf(file->name, sizeof(file->name), "%s", to);
	return is_dying ? ERR_PEER_CLOSED : 0;
}

error_t folder_drop_unfinished(struct folder *folder)
{
	(void)folder;
	if (dies())
		return ERR_PEER_CLOSED;
	for (size_t i = 0; i < FILES_MAX; i++) {
		const char *suffix = strstr(files[i].name, ".new~");

		if (suffix != NULL && suffix[5] == '\0' && strchr(files[i].name, '/') == NULL)
			take_away(&files[i]);
	}
	return 0;
}

error_t folder_remove(struct folder *folder, const char *path)
{
	struct fake_file *file = find(path);

	(void)folder;
	if (file == NULL)
		return ERR_NOT_FOUND;
	if (file->type == FILE_TYPE_FOLDER)
		return ERR_NOT_EMPTY;
	take_away(file);
	return 0;
}
