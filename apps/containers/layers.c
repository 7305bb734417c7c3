// SPDX-License-Identifier: MIT
//
// A file is made under another name, and gets its own when it is whole: so a crash leaves a file
// that can be mounted, or one that is swept.
#include "apps/containers/containers.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/ext4/make.h"
#include "libs/files/simple.h"
#include "libs/starina/alloc.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define FOLDER FILES_STORE_PREFIX "layers"
#define NEW_SUFFIX ".new"
#define NAME_SIZE (CONTAINER_ID_TEXT + sizeof(NEW_SUFFIX) - 1)

static void new_name(const struct container *c, char out[NAME_SIZE])
{
	fmt_write(out, NAME_SIZE, "%s" NEW_SUFFIX, c->id_text);
}

bool layer_is_used(const struct container *c)
{
	return c->all->has_store && c->job == 0 && !c->settings.read_only;
}

uint32_t layer_flags(const struct container *c)
{
	if (!layer_is_used(c))
		return 0;
	return VMM_LAYER | (c->settings.auto_remove && !c->is_visit ? VMM_SCRATCH : 0);
}

static uint64_t layer_size(const struct container *c)
{
	uint64_t size = c->settings.layer_size;

	return size != 0 ? size : LAYER_DEFAULT_SIZE;
}

// --- The session ---------------------------------------------------------------------------------

static void go_on(struct container *c, enum layer_stage stage);
static void doom_again(struct list *doomed);

static void give_up(struct list *containers)
{
	list_for_each(entry, containers) {
		struct container *c = container_of(entry, struct container, entry);
		bool lost = c->layer.lost;

		if (lost)
			layer_end(c);
		c->layer.begins_again = lost;
		file_close(c->layer.file);
		c->layer.file = NULL;
	}
}

static struct container *find_given_up(struct list *containers)
{
	list_for_each(entry, containers) {
		struct container *c = container_of(entry, struct container, entry);

		if (c->layer.begins_again)
			return c;
	}
	return NULL;
}

// One that cannot go on may take others along: who is left is looked for each time.
static void begin_again(struct list *containers)
{
	struct container *c;

	while ((c = find_given_up(containers)) != NULL) {
		c->layer.begins_again = false;
		go_on(c, LAYER_LOOKING);
	}
}

// All that was asked has failed by now. It is asked again of the next server. Visits, which nobody
// sees, have layers, too.
static void session_lost(void *context)
{
	struct layers *layers = context;

	give_up(&layers->all->containers);
	give_up(&layers->all->jobs);
	files_stop(&layers->files);
	layers->started = false;
	begin_again(&layers->all->containers);
	begin_again(&layers->all->jobs);
	doom_again(&layers->doomed);
}

void layers_init(struct containers *all)
{
	list_init(&all->layers.doomed);
}

static struct files *session(struct containers *all)
{
	struct layers *layers = &all->layers;

	if (!layers->started) {
		layers->all = all;
		files_start(&layers->files, &all->loop, environ_connector(all->env, "store"),
		            FOLDER);
		layers->files.lost = session_lost;
		layers->files.context = layers;
		layers->started = true;
	}
	return &layers->files;
}

// --- Making one ----------------------------------------------------------------------------------

static void fail(struct container *c, error_t error)
{
	char text[CONTAINER_ERROR_MAX];

	if (error == ERR_PEER_CLOSED) {
		c->layer.lost = true;  // session_lost comes
		return;
	}
	layer_end(c);
	fmt_write(text, sizeof(text), "its writable layer cannot be made on the state disk: %s",
	          error_text(error));
	container_fail(c, text);
}

static void looked(void *context, error_t error, const struct file_info *info)
{
	struct container *c = container_of(context, struct container, layer);

	(void)info;
	if (error == ERR_NOT_FOUND)
		go_on(c, LAYER_OPENING);
	else if (error < 0)
		fail(c, error);
	else
		go_on(c, LAYER_READY);
}

static void opened(void *context, error_t error, struct file *file)
{
	struct container *c = container_of(context, struct container, layer);

	if (error < 0) {
		fail(c, error);
		return;
	}
	c->layer.file = file;
	go_on(c, LAYER_WRITING);
}

static void written(void *context, error_t error, size_t count)
{
	struct container *c = container_of(context, struct container, layer);

	if (error == 0 && count < c->layer.length)
		error = ERR_NO_SPACE;
	if (error < 0)
		fail(c, error);
	else
		go_on(c, LAYER_SIZING);
}

static void sized(void *context, error_t error)
{
	struct container *c = container_of(context, struct container, layer);

	if (error < 0)
		fail(c, error);
	else
		go_on(c, LAYER_NAMING);
}

static void named(void *context, error_t error)
{
	struct container *c = container_of(context, struct container, layer);

	// It is there: it was being made by an instance of this app before.
	if (error == ERR_EXISTS)
		go_on(c, LAYER_CLEARING);
	else if (error < 0)
		fail(c, error);
	else
		go_on(c, LAYER_READY);
}

static void cleared(void *context, error_t error)
{
	struct container *c = container_of(context, struct container, layer);

	if (error < 0 && error != ERR_NOT_FOUND)
		fail(c, error);
	else
		go_on(c, LAYER_READY);
}

// The bytes of a new file system.
static error_t fill(struct container *c)
{
	struct ext4_make make = { .num_blocks = layer_size(c) / EXT4_BLOCK_SIZE,
		                  .time = (uint32_t)(c->created_at / NSEC_PER_SEC) };
	uint32_t blocks = ext4_make_length(make.num_blocks);
	struct layer *layer = &c->layer;

	heap_free(layer->bytes);
	layer->length = blocks * EXT4_BLOCK_SIZE;
	layer->bytes = heap_alloc(layer->length);
	if (layer->bytes == NULL)
		return ERR_NO_MEMORY;
	// An id is random.
	memcpy(make.uuid, c->id, sizeof(make.uuid));
	ext4_make(&make, layer->bytes);
	return 0;
}

static error_t begin_stage(struct container *c)
{
	struct files *files = session(c->all);
	struct layer *layer = &c->layer;
	char new[NAME_SIZE];
	error_t err;

	new_name(c, new);
	switch (layer->stage) {
	case LAYER_LOOKING: return files_stat(files, c->id_text, looked, layer);
	case LAYER_OPENING:
		return files_open(files, new, FILE_WRITE | FILE_CREATE | FILE_TRUNCATE, opened,
		                  layer);
	case LAYER_WRITING:
		err = fill(c);
		return err < 0
			? err
			: file_write(layer->file, 0, layer->bytes, layer->length, written, layer);
	case LAYER_SIZING: return file_truncate(layer->file, layer_size(c), sized, layer);
	case LAYER_NAMING: return files_rename(files, new, c->id_text, true, named, layer);
	case LAYER_CLEARING: return files_remove(files, new, cleared, layer);
	default: return 0;
	}
}

static void go_on(struct container *c, enum layer_stage stage)
{
	error_t err;

	c->layer.stage = stage;
	err = begin_stage(c);
	if (err < 0) {
		fail(c, err);
		return;
	}
	if (stage != LAYER_READY)
		return;
	layer_end(c);
	container_order(c);
}

bool layer_advance(struct container *c)
{
	if (!layer_is_used(c) || c->layer.stage == LAYER_READY)
		return true;
	// One that has not run before has none, as a rule.
	if (c->layer.stage == LAYER_UNKNOWN)
		go_on(c, c->started_at == 0 ? LAYER_OPENING : LAYER_LOOKING);
	return false;
}

void layer_end(struct container *c)
{
	struct layer *layer = &c->layer;

	if (layer->stage != LAYER_UNKNOWN && layer->stage != LAYER_READY) {
		// What was asked of a session that is lost has been answered.
		if (!layer->lost)
			files_cancel(&c->all->layers.files, layer);
		layer->stage = LAYER_UNKNOWN;
	}
	file_close(layer->file);
	heap_free(layer->bytes);
	layer->file = NULL;
	layer->bytes = NULL;
	layer->lost = layer->begins_again = false;
}

void layers_measure(struct containers *all)
{
	struct folder *folder = NULL;

	if (!all->has_store ||
	    folder_open(environ_connector(all->env, "store"), FOLDER, &folder) < 0)
		return;
	list_for_each(entry, &all->containers) {
		struct container *c = container_of(entry, struct container, entry);
		uint64_t empty = (uint64_t)ext4_make_length(layer_size(c) / EXT4_BLOCK_SIZE) *
			EXT4_BLOCK_SIZE;
		struct file_info info;

		c->layer.used = 0;
		if (layer_is_used(c) && folder_stat(folder, c->id_text, &info) == 0 &&
		    info.allocated > empty)
			c->layer.used = info.allocated - empty;
	}
	folder_close(folder);
}

// --- Removing them -------------------------------------------------------------------------------

struct doomed {
	struct list entry;
	struct containers *all;
	char name[NAME_SIZE];
	bool lost;  // the session was, before it answered
};

static void doom_over(struct doomed *doomed, error_t error)
{
	if (error < 0 && error != ERR_NOT_FOUND)
		log_warn("the writable layer of a container that is gone stays: %s",
		         error_text(error));
	list_remove(&doomed->entry);
	heap_free(doomed);
}

static void removed(void *context, error_t error)
{
	struct doomed *doomed = context;

	if (error == ERR_PEER_CLOSED)
		doomed->lost = true;  // session_lost comes
	else
		doom_over(doomed, error);
}

static void doom_ask(struct doomed *doomed)
{
	error_t err;

	doomed->lost = false;
	err = files_remove(session(doomed->all), doomed->name, removed, doomed);
	if (err < 0)
		doom_over(doomed, err);
}

static void doom_again(struct list *list)
{
	list_for_each_safe(pos, list)
	{
		struct doomed *doomed = container_of(pos, struct doomed, entry);

		if (doomed->lost)
			doom_ask(doomed);
	}
}

static void doom(struct containers *all, const char *name)
{
	struct doomed *doomed = heap_alloc(sizeof(*doomed));

	if (doomed == NULL) {
		log_warn("the writable layer %s stays until the next start: out of memory", name);
		return;
	}
	doomed->all = all;
	str_copy(doomed->name, name, sizeof(doomed->name));
	list_push_back(&all->layers.doomed, &doomed->entry);
	doom_ask(doomed);
}

void layer_remove(const struct container *c)
{
	char new[NAME_SIZE];

	// A visit's is that of the container.
	if (!layer_is_used(c) || c->is_visit)
		return;
	new_name(c, new);
	doom(c->all, c->id_text);
	if (c->layer.stage != LAYER_READY)
		doom(c->all, new);
}

struct leftovers {
	const struct containers *all;
	struct string_list names;
	error_t error;
};

static bool is_known(const struct containers *all, const char *name)
{
	list_for_each(entry, &all->containers) {
		if (strcmp(container_of(entry, struct container, entry)->id_text, name) == 0)
			return true;
	}
	return false;
}

static void look_at(void *context, const struct file_entry *entry)
{
	struct leftovers *left = context;

	if (entry->type == FILE_TYPE_FILE && left->error == 0 && !is_known(left->all, entry->name))
		left->error = string_list_add(&left->names, entry->name);
}

void layers_sweep(struct containers *all)
{
	struct leftovers left = { .all = all };
	struct folder *folder = NULL;
	error_t err;

	if (!all->has_store)
		return;
	err = folder_open(environ_connector(all->env, "store"), FOLDER, &folder);
	if (err == 0)
		err = folder_list(folder, "/", look_at, &left);
	if (err == 0)
		err = left.error;
	for (size_t i = 0; i < left.names.count && err == 0; i++)
		err = folder_remove(folder, left.names.items[i]);
	if (err < 0)
		log_warn("writable layers of containers that are gone stay: %s", error_text(err));
	folder_close(folder);
	string_list_deinit(&left.names);
}
