// SPDX-License-Identifier: MIT
#include "libs/files/simple.h"

#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"

#define NEW_SUFFIX ".new~"

struct folder {
	struct loop loop;
	struct files files;
	// What the operation in hand has told.
	bool over;
	error_t error;
	size_t count;
	struct file *file;
	struct file_info info;
	struct file_space space;
	files_entry_fn each;
	void *each_context;
};

// --- Waiting -------------------------------------------------------------------------------------

static void finish(struct folder *folder, error_t error)
{
	folder->error = error;
	folder->over = true;
}

static void on_done(void *context, error_t error)
{
	finish(context, error);
}

static void on_info(void *context, error_t error, const struct file_info *info)
{
	struct folder *folder = context;

	if (error == 0)
		folder->info = *info;
	finish(folder, error);
}

static void on_space(void *context, error_t error, const struct file_space *space)
{
	struct folder *folder = context;

	if (error == 0)
		folder->space = *space;
	finish(folder, error);
}

static void on_open(void *context, error_t error, struct file *file)
{
	struct folder *folder = context;

	folder->file = file;
	finish(folder, error);
}

static void on_count(void *context, error_t error, size_t count)
{
	struct folder *folder = context;

	folder->count = count;
	finish(folder, error);
}

static void on_entry(void *context, const struct file_entry *entry)
{
	struct folder *folder = context;

	folder->each(folder->each_context, entry);
}

// The error of an operation that was asked for with `err`, once it is over.
static error_t wait(struct folder *folder, error_t err)
{
	if (err < 0)
		return err;
	folder->over = false;
	while (!folder->over && err == 0)
		err = loop_turn(&folder->loop, NSEC_NEVER);
	return err < 0 ? err : folder->error;
}

// --- The folder ----------------------------------------------------------------------------------

static struct folder *folder_make(error_t *error)
{
	struct folder *folder = heap_alloc(sizeof(*folder));

	*error = folder == NULL ? ERR_NO_MEMORY : loop_init(&folder->loop);
	if (*error == 0)
		return folder;
	heap_free(folder);
	return NULL;
}

// Waits for the session to be there.
static error_t folder_greet(struct folder *folder, const char *name, struct folder **out)
{
	error_t err = wait(folder, files_stat(&folder->files, "/", on_info, folder));

	if (err == 0) {
		*out = folder;
		return 0;
	}
	log_warn("%s: %s (%s)", name, folder->files.text, error_text(err));
	folder_close(folder);
	return err;
}

error_t folder_open(handle_t connector, const char *uri, struct folder **out)
{
	error_t err;
	struct folder *folder = folder_make(&err);

	if (folder == NULL)
		return err;
	files_start(&folder->files, &folder->loop, connector, uri);
	return folder_greet(folder, uri, out);
}

error_t folder_open_own(const struct environ *env, struct folder **out)
{
	error_t err;
	struct folder *folder = folder_make(&err);

	if (folder == NULL)
		return err;
	files_start_own(&folder->files, &folder->loop, env);
	return folder_greet(folder, "the app's own folder", out);
}

void folder_close(struct folder *folder)
{
	if (folder == NULL)
		return;
	files_stop(&folder->files);
	loop_deinit(&folder->loop);
	heap_free(folder);
}

bool folder_is_lost(const struct folder *folder)
{
	return folder->files.state == FILES_LOST;
}

const char *folder_text(const struct folder *folder)
{
	return folder->files.text;
}

error_t folder_stat(struct folder *folder, const char *path, struct file_info *out)
{
	error_t err = wait(folder, files_stat(&folder->files, path, on_info, folder));

	if (err == 0)
		*out = folder->info;
	return err;
}

error_t folder_stat_link(struct folder *folder, const char *path, struct file_info *out)
{
	error_t err = wait(folder, files_stat_link(&folder->files, path, on_info, folder));

	if (err == 0)
		*out = folder->info;
	return err;
}

error_t folder_list(struct folder *folder, const char *path, files_entry_fn each, void *context)
{
	folder->each = each;
	folder->each_context = context;
	return wait(folder, files_list(&folder->files, path, on_entry, on_done, folder));
}

error_t folder_make_folder(struct folder *folder, const char *path)
{
	return wait(folder, files_make_folder(&folder->files, path, on_done, folder));
}

error_t folder_make_link(struct folder *folder, const char *path, const char *target)
{
	return wait(folder, files_make_link(&folder->files, path, target, on_done, folder));
}

error_t folder_rename(struct folder *folder, const char *from, const char *to, bool keep)
{
	return wait(folder, files_rename(&folder->files, from, to, keep, on_done, folder));
}

error_t folder_remove(struct folder *folder, const char *path)
{
	return wait(folder, files_remove(&folder->files, path, on_done, folder));
}

error_t folder_space(struct folder *folder, struct file_space *out)
{
	error_t err = wait(folder, files_space(&folder->files, on_space, folder));

	if (err == 0)
		*out = folder->space;
	return err;
}

error_t folder_sync(struct folder *folder)
{
	return wait(folder, files_sync(&folder->files, on_done, folder));
}

error_t folder_finish(struct folder *folder)
{
	return wait(folder, files_finish(&folder->files, on_done, folder));
}

// --- Open files ----------------------------------------------------------------------------------

error_t folder_open_file(struct folder *folder, const char *path, uint32_t flags, struct file **out)
{
	error_t err = wait(folder, files_open(&folder->files, path, flags, on_open, folder));

	if (err == 0)
		*out = folder->file;
	return err;
}

error_t folder_file_read(struct folder *folder, struct file *file, uint64_t offset, void *buffer,
                         size_t len, size_t *count)
{
	error_t err;

	folder->count = 0;
	err = wait(folder, file_read(file, offset, buffer, len, on_count, folder));
	*count = folder->count;
	return err;
}

error_t folder_file_write(struct folder *folder, struct file *file, uint64_t offset,
                          const void *bytes, size_t len, size_t *count)
{
	error_t err;

	folder->count = 0;
	err = wait(folder, file_write(file, offset, bytes, len, on_count, folder));
	*count = folder->count;
	return err;
}

error_t folder_file_stat(struct folder *folder, struct file *file, struct file_info *out)
{
	error_t err = wait(folder, file_stat(file, on_info, folder));

	if (err == 0)
		*out = folder->info;
	return err;
}

error_t folder_file_truncate(struct folder *folder, struct file *file, uint64_t size)
{
	return wait(folder, file_truncate(file, size, on_done, folder));
}

error_t folder_file_sync(struct folder *folder, struct file *file)
{
	return wait(folder, file_sync(file, on_done, folder));
}

// --- Whole files ---------------------------------------------------------------------------------

static error_t read_all(struct folder *folder, struct file *file, size_t max, uint8_t **bytes,
                        size_t *len)
{
	uint8_t *memory;
	error_t err = folder_file_stat(folder, file, &folder->info);

	if (err < 0)
		return err;
	if (folder->info.size > max || folder->info.size == SIZE_MAX)
		return ERR_TOO_LARGE;
	*len = (size_t)folder->info.size;
	memory = heap_alloc(*len + 1);
	if (memory == NULL)
		return ERR_NO_MEMORY;
	err = folder_file_read(folder, file, 0, memory, *len, len);
	if (err < 0) {
		heap_free(memory);
		return err;
	}
	memory[*len] = 0;
	*bytes = memory;
	return 0;
}

error_t folder_read(struct folder *folder, const char *path, size_t max, uint8_t **bytes,
                    size_t *len)
{
	struct file *file = NULL;
	error_t err = folder_open_file(folder, path, FILE_READ, &file);

	if (err < 0)
		return err;
	err = read_all(folder, file, max, bytes, len);
	file_close(file);
	return err;
}

// When a file that takes another's place is synced.
enum sync_when {
	SYNC_NEVER,
	// Once it has its name. That takes the folder along: its names are in the same journal.
	SYNC_RENAMED,
	SYNC_WRITTEN_AND_RENAMED,
};

static error_t fill_and_rename(struct folder *folder, struct file *file, struct span bytes,
                               const char *beside, const char *path, enum sync_when when)
{
	size_t count;
	error_t err = folder_file_write(folder, file, 0, bytes.data, bytes.len, &count);

	if (err == 0 && when == SYNC_WRITTEN_AND_RENAMED)
		err = folder_file_sync(folder, file);
	if (err == 0)
		err = folder_rename(folder, beside, path, false);
	if (err == 0 && when != SYNC_NEVER)
		err = folder_file_sync(folder, file);
	return err;
}

static error_t write_beside(struct folder *folder, const char *path, struct span bytes,
                            enum sync_when when)
{
	size_t path_len = strlen(path);
	struct file *file = NULL;
	char *beside = heap_alloc(path_len + sizeof(NEW_SUFFIX));
	error_t err;

	if (beside == NULL)
		return ERR_NO_MEMORY;
	fmt_write(beside, path_len + sizeof(NEW_SUFFIX), "%s" NEW_SUFFIX, path);
	err = folder_open_file(folder, beside, FILE_WRITE | FILE_CREATE | FILE_TRUNCATE, &file);
	if (err == 0) {
		err = fill_and_rename(folder, file, bytes, beside, path, when);
		file_close(file);
		if (err < 0 && folder_remove(folder, beside) < 0)
			log_debug("%s stays", beside);
	}
	heap_free(beside);
	return err;
}

error_t folder_write(struct folder *folder, const char *path, const void *bytes, size_t len)
{
	return write_beside(folder, path, span_make(bytes, len), SYNC_WRITTEN_AND_RENAMED);
}

error_t folder_replace(struct folder *folder, const char *path, const void *bytes, size_t len)
{
	return write_beside(folder, path, span_make(bytes, len), SYNC_RENAMED);
}

error_t folder_replace_unsynced(struct folder *folder, const char *path, const void *bytes,
                                size_t len)
{
	return write_beside(folder, path, span_make(bytes, len), SYNC_NEVER);
}

static void find_unfinished(void *context, const struct file_entry *entry)
{
	const size_t suffix = sizeof(NEW_SUFFIX) - 1, len = strlen(entry->name);
	char *name = context;

	if (entry->type == FILE_TYPE_FILE && len > suffix &&
	    strcmp(entry->name + len - suffix, NEW_SUFFIX) == 0)
		str_copy(name, entry->name, FILES_NAME_MAX + 1);
}

error_t folder_drop_unfinished(struct folder *folder)
{
	char name[FILES_NAME_MAX + 1];
	error_t err;

	// One for each listing: none may be removed while they are listed, and there are few, for
	// who writes waits for each file.
	do {
		name[0] = '\0';
		err = folder_list(folder, "/", find_unfinished, name);
		if (err == 0 && name[0] != '\0')
			err = folder_remove(folder, name);
	} while (err == 0 && name[0] != '\0');
	return err;
}
