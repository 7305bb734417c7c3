// SPDX-License-Identifier: MIT
#include "kernel/object/launcher.h"

#include "kernel/debug/panic.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/object/app_image.h"
#include "kernel/object/folio.h"
#include "kernel/object/process.h"
#include "libs/base/string.h"

static void launcher_destroy(struct object *object)
{
	(void)object;
	panic("a launcher is destroyed");
}

// One of its processes that was not started and is not ending, with a reference; NULL: none.
static struct process *find_unstarted(struct launcher *launcher)
{
	struct process *found = NULL;

	spin_lock(&launcher->lock);
	list_for_each(pos, &launcher->processes) {
		struct process *process = container_of(pos, struct process, made_entry);

		if (__atomic_load_n(&process->started, __ATOMIC_ACQUIRE) == 0 &&
		    !process_is_ending(process)) {
			object_get(&process->object);
			found = process;
			break;
		}
	}
	spin_unlock(&launcher->lock);
	return found;
}

// Nobody is left who would start them.
static void holder_gone(struct object *object)
{
	struct process *process;

	while ((process = find_unstarted(launcher_from_object(object))) != NULL) {
		(void)process_end_begin(process, PROCESS_END_KILLED, 0);
		object_put(&process->object);
	}
}

static const struct object_ops launcher_ops = {
	.type = OBJECT_LAUNCHER,
	// It stays with its app: in a process that was not started it would keep that from ending.
	.rights = RIGHT_READ | RIGHT_CONTROL | RIGHT_DUPLICATE,
	.last_handle = holder_gone,
	.destroy = launcher_destroy,
};

error_t launcher_create(struct launcher **out)
{
	struct launcher *launcher;
	error_t error = object_alloc(&launcher_ops, sizeof(*launcher), NULL, &launcher);

	if (error != 0)
		return error;
	spinlock_init(&launcher->lock, LOCK_RANK_OBJECT);
	list_init(&launcher->processes);
	*out = launcher;
	return 0;
}

// --- Processes ---

// Log lines begin with it.
static bool name_is_valid(const char *name)
{
	size_t len = strnlen(name, APP_NAME_MAX);

	for (size_t i = 0; i < len; i++) {
		if (name[i] <= ' ' || name[i] > '~')
			return false;
	}
	return len > 0 && len < APP_NAME_MAX;
}

// Whether log lines that begin with it are the kernel's, or those of an app of the image.
static bool is_of_image(const char *name)
{
	return strcmp(name, "kernel") == 0 || app_image_find(name) != NULL;
}

static void set_usual_limits(struct process_options *options)
{
	if (options->memory_limit == 0)
		options->memory_limit = APP_DEFAULT_MEMORY;
	if (options->kernel_limit == 0)
		options->kernel_limit = options->memory_limit > KERNEL_MEMORY_MIN
			? options->memory_limit
			: KERNEL_MEMORY_MIN;
	if (options->handle_limit == 0)
		options->handle_limit = APP_DEFAULT_HANDLES;
	if (options->thread_limit == 0)
		options->thread_limit = PROCESS_MAX_THREADS;
}

static error_t count_process(struct launcher *launcher)
{
	error_t error = 0;

	spin_lock(&launcher->lock);
	if (launcher->num_processes >= LAUNCHER_MAX_PROCESSES)
		error = ERR_LIMIT;
	else
		launcher->num_processes++;
	spin_unlock(&launcher->lock);
	return error;
}

error_t launcher_make_process(struct launcher *launcher, const struct process_options *options,
                              struct process **out)
{
	struct process_options own = *options;
	struct process *process;
	error_t error;

	if (!name_is_valid(own.name) || own.thread_limit > PROCESS_MAX_THREADS)
		return ERR_INVALID;
	if (is_of_image(own.name))
		return ERR_EXISTS;
	set_usual_limits(&own);
	error = count_process(launcher);
	if (error != 0)
		return error;
	error = process_create_empty(&own, launcher, &process);
	spin_lock(&launcher->lock);
	if (error == 0) {
		// The list's reference, until it is taken apart.
		object_get(&process->object);
		list_push_back(&launcher->processes, &process->made_entry);
	} else {
		launcher->num_processes--;
	}
	spin_unlock(&launcher->lock);
	if (error == 0)
		*out = process;
	return error;
}

void launcher_process_gone(struct process *process)
{
	struct launcher *launcher = process->launcher;

	spin_lock(&launcher->lock);
	list_remove(&process->made_entry);
	launcher->num_processes--;
	spin_unlock(&launcher->lock);
	object_put(&process->object);
}

void launcher_not_started(struct process *process)
{
	struct object *object = &process->launcher->object;

	// Pairs with find_unstarted(): it sees this one, or the handle's end is seen here.
	__atomic_store_n(&process->started, 0u, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&object->handles, __ATOMIC_SEQ_CST) == 0)
		holder_gone(object);
}

// --- What it keeps ---

static bool may_be_kept(const struct object *object)
{
	return object->ops->type == OBJECT_PROCESS || object->ops->type == OBJECT_FOLIO ||
		object->ops->type == OBJECT_CONNECTOR;
}

// Makes room for `place`.
static error_t make_place(struct launcher *launcher, uint32_t place)
{
	struct kept_handle **chunk = &launcher->chunks[place / LAUNCHER_CHUNK];
	struct kept_handle *fresh;

	if (__atomic_load_n(chunk, __ATOMIC_ACQUIRE) != NULL)
		return 0;
	fresh = kmalloc(LAUNCHER_CHUNK * sizeof(*fresh));
	if (fresh == NULL)
		return ERR_NO_MEMORY;
	spin_lock(&launcher->lock);
	if (*chunk == NULL) {
		*chunk = fresh;
		fresh = NULL;
	}
	spin_unlock(&launcher->lock);
	kfree(fresh);
	return 0;
}

error_t launcher_keep_handle(struct launcher *launcher, uint32_t place, struct handle_table *table,
                             handle_t handle)
{
	struct kept_handle kept = { 0 };
	struct kept_handle old = { 0 };
	struct kept_handle *at;
	error_t error = place < LAUNCHER_MAX_KEPT ? make_place(launcher, place) : ERR_RANGE;

	if (error == 0 && handle != HANDLE_NONE)
		error = handle_leave(table, handle, may_be_kept, &kept.object, &kept.rights);
	if (error != 0)
		return error;
	// Each launcher_kept makes another handle to it. What a guest has does not leave its table.
	if (kept.object != NULL && kept.object->type == OBJECT_FOLIO) {
		error = folio_make_read_only(folio_from_object(kept.object));
		kassert(error == 0);
	}
	spin_lock(&launcher->lock);
	at = &launcher->chunks[place / LAUNCHER_CHUNK][place % LAUNCHER_CHUNK];
	old = *at;
	*at = kept;
	spin_unlock(&launcher->lock);
	if (old.object != NULL)
		object_handle_put(old.object);
	return 0;
}

error_t launcher_find_kept(struct launcher *launcher, uint32_t place, struct object **out,
                           rights_t *rights)
{
	const struct kept_handle *chunk;
	error_t error = ERR_NOT_FOUND;

	if (place >= LAUNCHER_MAX_KEPT)
		return ERR_RANGE;
	spin_lock(&launcher->lock);
	chunk = launcher->chunks[place / LAUNCHER_CHUNK];
	if (chunk != NULL && chunk[place % LAUNCHER_CHUNK].object != NULL) {
		*out = chunk[place % LAUNCHER_CHUNK].object;
		*rights = chunk[place % LAUNCHER_CHUNK].rights;
		object_get(*out);
		error = 0;
	}
	spin_unlock(&launcher->lock);
	return error;
}
