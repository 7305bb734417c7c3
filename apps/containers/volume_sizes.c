// SPDX-License-Identifier: MIT
#include "apps/containers/volume_sizes.h"

#include "apps/containers/containers.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"

// Sessions in which one volume is counted, when the server of files dies.
#define MAX_TRIES 3u

static void go_on(struct volume_sizes *sizes);

void volume_sizes_init(struct containers *all)
{
	all->sizes.all = all;
	list_init(&all->sizes.questions);
}

static void stop(struct volume_sizes *sizes)
{
	files_stop(&sizes->files);
	sizes->started = false;
}

// Nothing is counted any more.
static void end(struct volume_sizes *sizes)
{
	if (sizes->count != NULL)
		volume_size_cancel(sizes->count);
	stop(sizes);
	heap_free(sizes->count);
	heap_free(sizes->bytes);
	string_list_deinit(&sizes->names);
	sizes->count = NULL;
	sizes->bytes = NULL;
}

static void answer_all(struct volume_sizes *sizes)
{
	struct list *entry;

	while ((entry = list_pop_front(&sizes->questions)) != NULL) {
		struct usage_question *question = container_of(entry, struct usage_question, entry);

		show_usage_now(sizes->all, question);
		heap_free(question);
	}
	end(sizes);
}

// --- Volume by volume ----------------------------------------------------------------------------

static void take(struct volume_sizes *sizes, int64_t bytes)
{
	sizes->bytes[sizes->at++] = bytes;
	sizes->tries = 0;
}

static void counted(void *context, error_t error)
{
	struct volume_sizes *sizes = context;

	// It is counted again in the next session.
	if (error == ERR_PEER_CLOSED && ++sizes->tries < MAX_TRIES)
		return;
	if (error < 0)
		log_debug("the volume %s is not counted: %s", sizes->names.items[sizes->at],
		          error_text(error));
	take(sizes, error == 0 ? (int64_t)sizes->count->bytes : -1);
	if (error != ERR_PEER_CLOSED)
		go_on(sizes);
}

// After `counted`.
static void session_lost(void *context)
{
	struct volume_sizes *sizes = context;

	stop(sizes);
	go_on(sizes);
}

static void begin_session(struct volume_sizes *sizes)
{
	struct containers *all = sizes->all;

	files_start(&sizes->files, &all->loop, environ_connector(all->env, "volumes"),
	            FILES_VOLUMES);
	sizes->files.lost = session_lost;
	sizes->files.context = sizes;
	sizes->started = true;
}

static void go_on(struct volume_sizes *sizes)
{
	while (sizes->at < sizes->names.count) {
		bool is_new = !sizes->started;
		error_t err;

		if (is_new)
			begin_session(sizes);
		err = volume_size_start(sizes->count, &sizes->files, sizes->names.items[sizes->at],
		                        counted, sizes);
		// A session that has ended while the volume before was whole already says so next.
		// One that cannot even begin says nothing.
		if (err == 0 || (err == ERR_PEER_CLOSED && !is_new))
			return;
		if (is_new)
			stop(sizes);
		take(sizes, -1);
	}
	answer_all(sizes);
}

// --- The start and the end -----------------------------------------------------------------------

static error_t begin(struct volume_sizes *sizes)
{
	struct containers *all = sizes->all;
	error_t err = 0;

	sizes->at = 0;
	sizes->tries = 0;
	if (volumes_refresh(all) < 0)
		log_debug("there are no volumes to be counted");
	list_for_each(entry, &all->volumes) {
		if (err == 0)
			err = string_list_add(&sizes->names,
			                      container_of(entry, struct volume, entry)->name);
	}
	sizes->count = heap_alloc(sizeof(*sizes->count));
	sizes->bytes = heap_alloc((sizes->names.count + 1) * sizeof(*sizes->bytes));
	return err == 0 && (sizes->count == NULL || sizes->bytes == NULL) ? ERR_NO_MEMORY : err;
}

error_t volume_sizes_ask(struct containers *all, const struct usage_question *question)
{
	struct volume_sizes *sizes = &all->sizes;
	struct usage_question *copy = heap_alloc(sizeof(*copy));
	error_t err = 0;

	if (copy == NULL)
		return ERR_NO_MEMORY;
	*copy = *question;
	if (sizes->count != NULL) {
		list_push_back(&sizes->questions, &copy->entry);
		return 0;
	}
	err = begin(sizes);
	if (err < 0) {
		end(sizes);
		heap_free(copy);
		return err;
	}
	list_push_back(&sizes->questions, &copy->entry);
	go_on(sizes);
	return 0;
}

int64_t volume_sizes_of(const struct volume_sizes *sizes, const char *name)
{
	for (size_t i = 0; i < sizes->at && i < sizes->names.count; i++)
		if (strcmp(sizes->names.items[i], name) == 0)
			return sizes->bytes[i];
	return -1;
}

void volume_sizes_drop(struct containers *all, const struct client *client, uint32_t id)
{
	struct volume_sizes *sizes = &all->sizes;

	list_for_each_safe(pos, &sizes->questions)
	{
		struct usage_question *question = container_of(pos, struct usage_question, entry);

		if (question->client != client || (id != 0 && question->request != id))
			continue;
		list_remove(&question->entry);
		heap_free(question);
	}
	if (sizes->count != NULL && list_is_empty(&sizes->questions))
		end(sizes);
}
