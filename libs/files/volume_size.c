// SPDX-License-Identifier: MIT
#include "libs/files/volume_size.h"

#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"

#define FIRST_ROOM 4096u

static void forget_paths(struct volume_size *size)
{
	heap_free(size->paths);
	size->paths = NULL;
	size->used = size->room = 0;
}

// Errors: ERR_LIMIT, ERR_NO_MEMORY.
static error_t make_room(struct volume_size *size, size_t len)
{
	size_t room = size->room > 0 ? size->room : FIRST_ROOM;
	char *paths;

	while (room < size->used + len)
		room *= 2;
	if (room > VOLUME_SIZE_PATHS)
		return ERR_LIMIT;
	if (room == size->room)
		return 0;
	paths = heap_alloc(room);
	if (paths == NULL)
		return ERR_NO_MEMORY;
	if (size->used > 0)
		memcpy(paths, size->paths, size->used);
	heap_free(size->paths);
	size->paths = paths;
	size->room = room;
	return 0;
}

static void add_folder(struct volume_size *size, const char *name)
{
	char path[FILES_PATH_MAX];
	size_t len = fmt_write(path, sizeof(path), "%s/%s", size->path, name);

	size->error = len < sizeof(path) ? make_room(size, 1 + len) : ERR_LIMIT;
	if (size->error < 0)
		return;
	size->paths[size->used++] = '\0';
	memcpy(size->paths + size->used, path, len);
	size->used += len;
}

static void see_entry(void *context, const struct file_entry *entry)
{
	struct volume_size *size = context;
	uint32_t links = entry->info.num_links > 0 ? entry->info.num_links : 1;

	if (size->error < 0)
		return;
	if (entry->type == FILE_TYPE_FOLDER)
		add_folder(size, entry->name);
	else if (entry->has_info)
		size->bytes += entry->info.size / links;
}

// Takes the next folder; false: there is none.
static bool next_folder(struct volume_size *size)
{
	size_t start = size->used;

	if (size->used == 0)
		return false;
	while (size->paths[start - 1] != '\0')
		start--;
	memcpy(size->path, size->paths + start, size->used - start);
	size->path[size->used - start] = '\0';
	size->used = start - 1;
	return true;
}

static void listed(void *context, error_t error)
{
	struct volume_size *size = context;

	// One that was removed meanwhile has nothing; but the volume itself is to be there.
	if (error == ERR_NOT_FOUND && strchr(size->path, '/') != NULL)
		error = 0;
	if (error == 0)
		error = size->error;
	if (error == 0 && next_folder(size)) {
		error = files_list(size->volumes, size->path, see_entry, listed, size);
		if (error == 0)
			return;
	}
	size->volumes = NULL;
	forget_paths(size);
	size->done(size->context, error);
}

error_t volume_size_start(struct volume_size *size, struct files *volumes, const char *name,
                          files_done_fn done, void *context)
{
	error_t err;

	size->bytes = 0;
	size->error = 0;
	size->used = 0;
	size->done = done;
	size->context = context;
	if (str_copy(size->path, name, sizeof(size->path)) >= sizeof(size->path))
		return ERR_TOO_LARGE;
	err = files_list(volumes, size->path, see_entry, listed, size);
	size->volumes = err == 0 ? volumes : NULL;
	return err;
}

void volume_size_cancel(struct volume_size *size)
{
	if (size->volumes != NULL)
		files_cancel(size->volumes, size);
	size->volumes = NULL;
	forget_paths(size);
}
