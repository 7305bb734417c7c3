// SPDX-License-Identifier: MIT
//
// Folders of jobs that are over. They may hold many files, for nobody checks what their containers
// made there: they go bit by bit, while other things are done.
#include "apps/images/images.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

// Of a turn.
#define REMOVED_MAX 64u
#define SWEEP_DELAY (10 * NSEC_PER_MSEC)

struct listing {
	struct string_list files;
	char folder[FILES_NAME_MAX + 1];  // the first; "": there is none
	error_t error;
};

static void add_entry(void *context, const struct file_entry *entry)
{
	struct listing *listing = context;

	if (entry->type == FILE_TYPE_FOLDER) {
		if (listing->folder[0] == '\0')
			str_copy(listing->folder, entry->name, sizeof(listing->folder));
	} else if (listing->files.count < REMOVED_MAX && listing->error == 0) {
		listing->error = string_list_add(&listing->files, entry->name);
	}
}

static error_t remove_files(struct folder *folder, const char *path,
                            const struct string_list *files)
{
	char *file = heap_alloc(FILES_PATH_MAX);
	error_t err = file != NULL ? 0 : ERR_NO_MEMORY;

	for (size_t i = 0; i < files->count && err == 0; i++) {
		fmt_write(file, FILES_PATH_MAX, "%s/%s", path, files->items[i]);
		err = folder_remove(folder, file);
	}
	heap_free(file);
	return err;
}

// Removes some of what is in `path`, which becomes what is to be looked at next.
static error_t remove_some(struct folder *folder, char path[static FILES_PATH_MAX], bool *done)
{
	size_t len = strlen(path);
	struct listing listing = { 0 };
	error_t err = folder_list(folder, path, add_entry, &listing);

	if (err == 0)
		err = listing.error;
	if (err == 0)
		err = remove_files(folder, path, &listing.files);
	*done = true;
	if (err == 0 && listing.folder[0] != '\0' &&
	    len + 2 + strlen(listing.folder) < FILES_PATH_MAX) {
		fmt_write(path + len, FILES_PATH_MAX - len, "/%s", listing.folder);
		*done = false;
	} else if (err == 0 && listing.files.count < REMOVED_MAX) {
		err = folder_remove(folder, path);
	}
	string_list_deinit(&listing.files);
	return err;
}

// Returns whether the first folder is gone, or cannot be removed.
static bool sweep_some(struct images *images)
{
	struct folder *folder = store_folder(images);
	char *path = heap_alloc(FILES_PATH_MAX);
	const char *name = images->sweeps.items[0];
	error_t err = folder != NULL && path != NULL ? 0 : ERR_NO_MEMORY;
	bool done = false, over;

	if (err == 0)
		str_copy(path, name, FILES_PATH_MAX);
	while (err == 0 && !done)
		err = remove_some(folder, path, &done);
	over = err != 0 || strcmp(path, name) == 0;
	if (err == 0 && over) {
		struct file_info info;

		// It goes once it is empty.
		over = folder_stat(folder, name, &info) == ERR_NOT_FOUND;
	}
	heap_free(path);
	if (err == ERR_PEER_CLOSED)
		store_close();
	else if (err < 0 && err != ERR_NOT_FOUND)
		log_warn("%s stays on the state disk until the next start: %s", name,
		         error_text(err));
	return over && err != ERR_PEER_CLOSED;
}

static void set_timer(struct images *images)
{
	nsec_t now = 0;
	error_t err = clock_get(CLOCK_MONOTONIC, &now);

	if (err == 0)
		err = timer_set(images->sweep_timer,
		                images->sweeps.count > 0 ? now + SWEEP_DELAY : NSEC_NEVER);
	assert(err == 0);
}

static void sweep_signalled(struct loop *loop, struct source *source)
{
	struct images *images = source->context;

	(void)loop;
	if (images->sweeps.count > 0 && sweep_some(images)) {
		heap_free(images->sweeps.items[0]);
		images->sweeps.items[0] = images->sweeps.items[--images->sweeps.count];
	}
	set_timer(images);
}

static const struct source_ops sweep_ops = { .signalled = sweep_signalled };

void sweep_init(struct images *images)
{
	error_t err = timer_create(&images->sweep_timer);

	if (err == 0)
		err = loop_add(&images->loop, &images->sweep, images->sweep_timer, &sweep_ops,
		               images);
	assert(err == 0);
}

void sweep_add(struct images *images, const char *name)
{
	if (string_list_add(&images->sweeps, name) < 0)
		log_warn("%s stays on the state disk until the next start", name);
	set_timer(images);
}
