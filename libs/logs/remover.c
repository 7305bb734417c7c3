// SPDX-License-Identifier: MIT
#include "libs/logs/remover.h"

#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"

struct doomed_folder {
	struct list entry;
	char name[LOG_FOLDER_MAX];
};

static void next(struct log_remover *remover);

static struct doomed_folder *current(const struct log_remover *remover)
{
	return container_of(remover->folders.next, struct doomed_folder, entry);
}

// The folder is done with.
static void finish(struct log_remover *remover, error_t error)
{
	struct doomed_folder *folder = current(remover);

	remover->busy = false;
	// It is done again over the next session.
	if (error == ERR_PEER_CLOSED)
		return;
	if (error < 0 && error != ERR_NOT_FOUND)
		log_warn("the log %s stays: %s", folder->name, error_text(error));
	list_remove(&folder->entry);
	heap_free(folder);
	next(remover);
}

static void check(struct log_remover *remover, error_t error)
{
	if (error < 0)
		finish(remover, error);
}

static void folder_removed(void *context, error_t error)
{
	finish(context, error);
}

static void file_removed(void *context, error_t error)
{
	struct log_remover *remover = context;

	remover->busy = false;
	if (error < 0 && error != ERR_NOT_FOUND)
		finish(remover, error);
	else
		next(remover);
}

static void each(void *context, const struct file_entry *entry)
{
	struct log_remover *remover = context;

	bool is_folder = entry->type == FILE_TYPE_FOLDER;

	// A folder, which no log has, comes last: if it is not empty it stays, but the files go.
	if (remover->found && (is_folder || !remover->found_folder))
		return;
	remover->found = true;
	remover->found_folder = is_folder;
	fmt_write(remover->path, sizeof(remover->path), "%s/%s", current(remover)->name,
	          entry->name);
}

// The files first, then the folder.
static void listed(void *context, error_t error)
{
	struct log_remover *remover = context;

	if (error < 0)
		finish(remover, error);
	else if (remover->found)
		check(remover, files_remove(remover->files, remover->path, file_removed, remover));
	else
		check(remover,
		      files_remove(remover->files, current(remover)->name, folder_removed,
		                   remover));
}

static void next(struct log_remover *remover)
{
	if (remover->files == NULL || remover->busy || list_is_empty(&remover->folders))
		return;
	remover->busy = true;
	remover->found = false;
	check(remover, files_list(remover->files, current(remover)->name, each, listed, remover));
}

void log_remover_init(struct log_remover *remover)
{
	*remover = (struct log_remover){ 0 };
	list_init(&remover->folders);
}

error_t log_remover_add(struct log_remover *remover, const char *folder)
{
	struct doomed_folder *doomed = heap_alloc(sizeof(*doomed));

	if (doomed == NULL)
		return ERR_NO_MEMORY;
	str_copy(doomed->name, folder, sizeof(doomed->name));
	list_push_back(&remover->folders, &doomed->entry);
	next(remover);
	return 0;
}

bool log_remover_has_work(const struct log_remover *remover)
{
	return !list_is_empty(&remover->folders);
}

void log_remover_use(struct log_remover *remover, struct files *files)
{
	remover->files = files;
	if (files == NULL)
		remover->busy = false;
	else
		next(remover);
}
