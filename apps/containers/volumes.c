// SPDX-License-Identifier: MIT
#include "apps/containers/volumes.h"

#include "apps/containers/containers.h"
#include "libs/base/string.h"
#include "libs/files/steady.h"
#include "libs/files/volume.h"
#include "libs/starina/alloc.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define RECORD "volumes.json"
#define RECORD_MAX (4u * 1024 * 1024)
// Files that are removed at a time: requests wait meanwhile.
#define REMOVE_STEPS 256u
#define REMOVE_DELAY (5 * NSEC_PER_MSEC)

static struct steady_folder folder;

// --- The server ----------------------------------------------------------------------------------

static error_t ask(struct containers *all, steady_fn *what, void *context)
{
	handle_t connector = environ_connector(all->env, "volumes");

	if (connector == HANDLE_NONE || !all->has_store)
		return ERR_NOT_FOUND;
	return steady_ask(&folder, connector, FILES_VOLUMES, what, context);
}

static error_t ask_make(struct folder *volumes, void *context)
{
	error_t err = folder_make_folder(volumes, context);

	return err == ERR_EXISTS ? 0 : err;
}

static error_t ask_empty(struct folder *volumes, void *context)
{
	return volume_is_empty(volumes, context) ? 0 : ERR_EXISTS;
}

struct removal {
	const char *name;
	bool whole;
};

static error_t ask_remove(struct folder *volumes, void *context)
{
	struct removal *removal = context;
	error_t err = volume_remove_some(volumes, removal->name, REMOVE_STEPS, &removal->whole);

	return err == 0 ? folder_sync(volumes) : err;
}

static error_t ask_space(struct folder *volumes, void *context)
{
	return folder_space(volumes, context);
}

struct listing {
	struct containers *all;
	error_t error;
	char removed[FILES_NAME_MAX + 1];  // one whose removal is not whole; "": none
};

static error_t add(struct containers *all, const char *name, const char *labels,
                   const char *options, nsec_t created_at)
{
	struct volume *volume = heap_alloc(sizeof(*volume));
	char error[SETTINGS_ERROR_MAX];
	error_t err;

	if (volume == NULL)
		return ERR_NO_MEMORY;
	volume->name = string_copy(name);
	volume->labels = labels != NULL ? string_copy(labels) : NULL;
	volume->options = options != NULL ? string_copy(options) : NULL;
	err = volume_backing_read(&volume->backing, options, error);
	if (err == 0 &&
	    (volume->name == NULL || (labels != NULL && volume->labels == NULL) ||
	     (options != NULL && volume->options == NULL)))
		err = ERR_NO_MEMORY;
	if (err < 0) {
		volume_free(volume);
		return err;
	}
	volume->created_at = created_at;
	volume->is_there = true;
	list_push_back(&all->volumes, &volume->entry);
	return 0;
}

static void see(void *context, const struct file_entry *entry)
{
	struct listing *listing = context;
	struct volume *volume;

	if (entry->type == FILE_TYPE_FOLDER && entry->name[0] == '.')
		str_copy(listing->removed, entry->name, sizeof(listing->removed));
	if (entry->type != FILE_TYPE_FOLDER || !volume_name_is_good(entry->name) ||
	    listing->error < 0)
		return;
	volume = volumes_find(listing->all, entry->name);
	if (volume != NULL)
		volume->is_there = true;
	else
		listing->error = add(listing->all, entry->name, NULL, NULL,
		                     entry->has_info && entry->info.modified > 0
		                             ? (nsec_t)entry->info.modified * NSEC_PER_SEC
		                             : 0);
}

static error_t ask_list(struct folder *volumes, void *context)
{
	struct listing *listing = context;
	error_t err = folder_list(volumes, "/", see, listing);

	return err < 0 ? err : listing->error;
}

// --- What is said of them ------------------------------------------------------------------------

static void forget(struct volume *volume)
{
	list_remove(&volume->entry);
	volume_free(volume);
}

static error_t write_record(struct containers *all)
{
	struct json_writer w = { 0 };

	if (all->keeps_volumes)
		return 0;
	volumes_write_text(&w, &all->volumes);
	return store_put(all, RECORD, &w);
}

// --- Removals that are not whole -----------------------------------------------------------------

static void go_on_soon(struct containers *all)
{
	error_t err = timer_set(all->removal_timer, monotonic_time() + REMOVE_DELAY);

	assert(err == 0);
}

static void removal_signalled(struct loop *loop, struct source *source)
{
	struct containers *all = source->context;
	struct listing listing = { .all = all };
	struct removal removal = { .name = listing.removed };
	error_t err = timer_set(all->removal_timer, NSEC_NEVER);

	(void)loop;
	assert(err == 0);
	err = ask(all, ask_list, &listing);
	if (err == 0 && listing.removed[0] != '\0')
		err = ask(all, ask_remove, &removal);
	if (err < 0 && err != ERR_NOT_FOUND)
		log_warn("what is in a removed volume stays for now: %s", error_text(err));
	else if (listing.removed[0] != '\0')
		go_on_soon(all);
}

static const struct source_ops removal_ops = { .signalled = removal_signalled };

error_t volumes_init(struct containers *all)
{
	error_t err = timer_create(&all->removal_timer);

	list_init(&all->volumes);
	if (err == 0)
		err = loop_add(&all->loop, &all->removal, all->removal_timer, &removal_ops, all);
	return err;
}

void volumes_read(struct containers *all)
{
	uint8_t *text = NULL;
	size_t len = 0;
	error_t err = store_get(all, RECORD, RECORD_MAX, &text, &len);

	// One that is too large cannot be of this app.
	all->keeps_volumes = err < 0 && err != ERR_NOT_FOUND && err != ERR_TOO_LARGE;
	if (err == 0) {
		struct json_reader r = json_reader_make((struct span){ .data = text, .len = len });

		volumes_read_text(&r, &all->volumes);
		err = json_at_end(&r) ? 0 : ERR_PROTOCOL;
	}
	if (err < 0 && err != ERR_NOT_FOUND)
		log_warn(RECORD " on the state disk is not whole: %s", error_text(err));
	heap_free(text);
	go_on_soon(all);
}

struct volume *volumes_find(struct containers *all, const char *name)
{
	list_for_each(entry, &all->volumes) {
		struct volume *volume = container_of(entry, struct volume, entry);

		if (strcmp(volume->name, name) == 0)
			return volume;
	}
	return NULL;
}

// --- All -----------------------------------------------------------------------------------------

error_t volumes_refresh(struct containers *all)
{
	struct listing listing = { .all = all };
	error_t err;

	list_for_each(entry, &all->volumes)
		container_of(entry, struct volume, entry)->is_there = false;
	err = ask(all, ask_list, &listing);
	if (err < 0)
		return err;
	list_for_each_safe(pos, &all->volumes)
	{
		struct volume *volume = container_of(pos, struct volume, entry);

		if (!volume->is_there)
			forget(volume);
	}
	return 0;
}

// One that could not be made whole: nobody has written into it yet.
static void take_back(struct containers *all, const char *name)
{
	struct volume *volume = volumes_find(all, name);
	struct removal removal = { .name = name };
	error_t err = volumes_are_empty(all, name) ? ask(all, ask_remove, &removal) : 0;

	if (err < 0)
		log_warn("the volume %s stays on the state disk: %s", name, error_text(err));
	if (volume != NULL)
		forget(volume);
}

error_t volumes_make(struct containers *all, const char *name, const char *labels,
                     const char *options)
{
	error_t err = volumes_refresh(all);

	if (err < 0 || volumes_find(all, name) != NULL)
		return err;
	err = ask(all, ask_make, (void *)(uintptr_t)name);
	if (err < 0)
		return err;
	err = add(all, name, labels, options, record_time());
	if (err == 0)
		err = write_record(all);
	if (err == 0)
		events_tell(all, "volume", "create", name, "{\"driver\":\"local\"}");
	else
		take_back(all, name);
	return err;
}

bool volumes_are_empty(struct containers *all, const char *name)
{
	return ask(all, ask_empty, (void *)(uintptr_t)name) == 0;
}

error_t volumes_remove(struct containers *all, const char *name)
{
	struct volume *volume = volumes_find(all, name);
	struct removal removal = { .name = name };
	error_t err = ask(all, ask_remove, &removal);

	// It was there: a server of files that has died meanwhile had begun with it.
	if (err == ERR_NOT_FOUND && volume != NULL)
		err = 0;
	if (err == 0 && !removal.whole)
		go_on_soon(all);
	if (err == 0 && volume != NULL) {
		events_tell(all, "volume", "destroy", name, "{\"driver\":\"local\"}");
		forget(volume);
		// One that is not there is forgotten, too, once the record is read again.
		if (write_record(all) < 0)
			log_debug("what is said of the volume %s stays", name);
	}
	return err;
}

uint64_t volumes_space(struct containers *all)
{
	struct file_space space = { 0 };

	return ask(all, ask_space, &space) == 0 ? space.free : 0;
}
