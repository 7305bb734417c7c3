// SPDX-License-Identifier: MIT
#include "apps/containers/archive.h"

#include "apps/containers/changes.h"
#include "apps/containers/containers.h"
#include "libs/base/string.h"
#include "libs/linux/vm/bootd_protocol.h"
#include "libs/starina/alloc.h"
#include "libs/starina/syscall.h"

#define PATH_SIZE 4096u

struct archive {
	struct list entry;  // of the container's
	uint32_t number;    // of its process
	uint32_t operation;
	struct client *client;  // NULL: nobody waits
	uint32_t request;
	handle_t channel;  // until it is sent
	bool keep_kinds;
	bool has_owner;
	bool is_frozen;  // CONTAINERS_COMMIT
	char path[PATH_SIZE];
	char target[CONTAINERS_TARGET_MAX + 1];  // how the client called the container
};

static void archive_free(struct archive *a)
{
	if (a->channel != HANDLE_NONE)
		handle_close(a->channel);
	list_remove(&a->entry);
	heap_free(a);
}

void archive_waiters_drop(struct container *c, const struct client *client, uint32_t id)
{
	list_for_each(entry, &c->archives) {
		struct archive *a = container_of(entry, struct archive, entry);

		if (a->client == client && (id == 0 || a->request == id))
			a->client = NULL;
	}
}

// --- The answer ----------------------------------------------------------------------------------

// For the exit statuses of guest/bootd/archive.h, from 1 on.
static const struct {
	uint32_t http;
	const char *text;  // with the path and the container, or without
} failures[] = {
	{ 500, "%s of container %s: it could not be done" },
	{ 404, "Could not find the file %s in container %s" },
	{ 400, "%s in container %s: not a directory" },
	{ 403, "container rootfs is marked read-only" },
	{ 400, "%s in container %s: cannot overwrite directory with non-directory" },
	{ 400, "%s in container %s: cannot overwrite non-directory with directory" },
	{ 400, "%s in container %s: the archive is malformed, or broke off" },
	{ 507, "%s in container %s: no space left on device" },
	{ 403, "mounted volume is marked read-only" },
};

// Whether its answer is its stream, without a line before it.
static bool is_whole(const struct archive *a)
{
	return a->operation == CONTAINERS_EXPORT || a->operation == CONTAINERS_CHANGES;
}

// The head of its answer; if it breaks off then, so does its stream.
static void begin_stream(struct archive *a)
{
	if (!is_whole(a) || a->client == NULL)
		return;
	reply_empty(a->client, a->request, CONTAINERS_ACCEPTED,
	            a->operation == CONTAINERS_EXPORT ? CONTAINERS_TAR : 0);
	a->client = NULL;
}

static void answer(struct archive *a, int status)
{
	size_t i = status > 0 && (size_t)status <= sizeof(failures) / sizeof(failures[0])
		? (size_t)status - 1
		: 0;

	if (a->client == NULL)
		return;
	if (status != 0)
		reply_error(a->client, a->request, failures[i].http, failures[i].text, a->path,
		            a->target);
	else if (a->operation == CONTAINERS_ARCHIVE_PUT)
		reply_empty(a->client, a->request, 200, 0);
	else
		begin_stream(a);
	// Those of cp have their answer in their stream.
}

// What is told when it is done; NULL: nothing, or elsewhere.
static const char *event_of(uint32_t operation)
{
	switch (operation) {
	case CONTAINERS_ARCHIVE_GET: return "archive-path";
	case CONTAINERS_ARCHIVE_PUT: return "extract-to-dir";
	case CONTAINERS_EXPORT: return "export";
	default: return NULL;
	}
}

bool archive_told(struct container *vmms, const struct msg_vmm_process *process, const char *text)
{
	struct container *c = vmms->is_visit ? vmms->visited : vmms;

	if (c == NULL)
		return false;
	list_for_each(entry, &c->archives) {
		struct archive *a = container_of(entry, struct archive, entry);

		if (a->number != process->process)
			continue;
		if (process->state != VMM_ENDED) {
			begin_stream(a);
			return true;
		}
		if (process->status == 0 && event_of(a->operation) != NULL)
			events_container(c, event_of(a->operation), NULL);
		if (text[0] != '\0' && a->client != NULL)
			reply_error(a->client, a->request, 500, "%s", text);
		else
			answer(a, process->status);
		archive_free(a);
		if (c->visitor != NULL && list_is_empty(&c->archives))
			visit_idle(c->visitor);
		return true;
	}
	return false;
}

void archive_fail_all(struct container *c, const char *why)
{
	list_for_each_safe(pos, &c->archives)
	{
		struct archive *a = container_of(pos, struct archive, entry);

		if (a->client != NULL)
			reply_error(a->client, a->request, 409, "container %s: %s", c->name, why);
		archive_free(a);
	}
}

// --- The order -----------------------------------------------------------------------------------

static void write_word(struct json_writer *w, const char *word)
{
	json_write_raw(w, w->len > 0 && w->text[w->len - 1] == '[' ? "" : ",");
	json_write_string(w, word);
}

// What looks at a container's layer, and not at what the container sees; NULL: it is another.
static const char *what_of(uint32_t operation)
{
	switch (operation) {
	case CONTAINERS_CHANGES: return "changes";
	case CONTAINERS_COMMIT: return "commit";
	case IMAGES_SAVE: return "save";
	default: return NULL;
	}
}

// The `process` object of bootd's builtin.
static void write_process(const struct archive *a, const struct container *c, struct json_writer *w)
{
	const char *user = container_user(c);
	bool has_owner = a->has_owner && user[0] != '\0';

	if (what_of(a->operation) != NULL) {
		changes_write_process(c, what_of(a->operation), a->is_frozen, w);
		return;
	}
	json_write_raw(w, "{\"" CONTROL_BUILTIN "\":\"archive\",\"cwd\":\"/\",\"args\":[");
	if (a->operation == CONTAINERS_ARCHIVE_PUT) {
		write_word(w, "put");
		write_word(w, a->path);
		// The machine of a visit is not shut down: what is written is to be on the disk.
		write_word(w,
		           has_owner               ? (a->keep_kinds ? "kos" : "os")
		                   : a->keep_kinds ? "ks"
		                                   : "s");
		if (has_owner)
			write_word(w, user);
	} else {
		write_word(w,
		           a->operation == CONTAINERS_EXPORT                ? "export"
		                   : a->operation == CONTAINERS_ARCHIVE_GET ? "get"
		                                                            : "stat");
		write_word(w, a->path);
	}
	json_write_raw(w, "]}");
}

static error_t make_order(const struct archive *a, const struct container *c, struct message *m)
{
	struct msg_vmm_exec fixed = { .process = a->number,
		                      .flags = VMM_EXEC_RAW | VMM_EXEC_NO_STDERR };
	struct json_writer w = { 0 };

	fixed.flags |= a->operation == CONTAINERS_ARCHIVE_PUT ? VMM_EXEC_STDIN : 0;
	write_process(a, c, &w);
	return vmms_exec_order(m, fixed, &w);
}

// Paths begin at the root, whatever they say. Errors: ERR_NO_MEMORY, ERR_INVALID (there is none, or
// it is too long).
static error_t take_path(const struct request *request, struct archive *a)
{
	char *path = is_whole(a) ? string_copy("/") : query_take(request, "path");
	size_t len = path != NULL ? strlen(path) : 0;
	error_t err = len > 0 && len < sizeof(a->path) - 1 ? 0 : ERR_INVALID;

	if (err == 0) {
		a->path[0] = '/';
		memcpy(a->path + (path[0] == '/' ? 0 : 1), path, len + 1);
	}
	heap_free(path);
	return err;
}

// NULL, and the request was answered.
static struct archive *make(const struct request *request, struct container *c, uint32_t operation)
{
	struct archive *a = heap_alloc(sizeof(*a));
	error_t err = a != NULL ? 0 : ERR_NO_MEMORY;

	if (err == 0) {
		a->operation = operation;
		err = take_path(request, a);
	}
	if (err == 0)
		err = random_get(&a->number, sizeof(a->number));
	if (err < 0) {
		heap_free(a);
		reply_error(request->client, request->id, err == ERR_INVALID ? 400 : 500,
		            err == ERR_INVALID
		                    ? "the parameter path is missing, or has more than 4094 bytes"
		                    : "out of memory");
		return NULL;
	}
	a->number |= 1u << 31;  // not 0 or 1
	str_copy(a->target, request->target, sizeof(a->target));
	a->client = request->client;
	a->request = request->id;
	a->keep_kinds = query_flag(request, "noOverwriteDirNonDir");
	a->has_owner = query_flag(request, "copyUIDGID");
	a->channel = request->channel;
	list_push_back(&c->archives, &a->entry);
	return a;
}

// Has the process of a virtual machine do it.
static void order(struct archive *a, const struct container *c, struct vmm_process *vmm)
{
	struct message m;
	error_t err;

	message_init(&m, 0);
	err = make_order(a, c, &m);
	if (err == 0) {
		m.handles[m.num_handles++] = a->channel;
		a->channel = HANDLE_NONE;
	}
	if (err == 0 && vmms_send(vmm, &m))
		return;
	if (a->client != NULL)
		reply_error(a->client, a->request, 503, "container %s cannot be told: try again",
		            c->name);
	archive_free(a);
}

void archive_go_on(struct container *c)
{
	struct container *at = c->visitor != NULL ? c->visitor : c;

	if (at->vmm == NULL || !at->started)
		return;
	list_for_each_safe(pos, &c->archives)
	{
		struct archive *a = container_of(pos, struct archive, entry);

		if (a->channel != HANDLE_NONE)
			order(a, c, at->vmm);
	}
}

// Whether it can be done now, or in a visit; the request is answered otherwise.
static bool is_possible(struct request *request, const struct container *c, uint32_t operation)
{
	const char *why = NULL;

	if (c->all->stopping) {
		reply_error(request->client, request->id, 503, "the machine is going off");
		return false;
	}
	if (!operation_can_reach(request, c))
		return false;
	if ((c->paused || c->is_pausing) && operation != CONTAINERS_CHANGES)
		why = "is paused: unpause it before its files are copied";
	else if (c->state == CONTAINER_RUNNING && !c->started)
		why = "is being started: try again";
	else if (c->state != CONTAINER_RUNNING && operation == CONTAINERS_ARCHIVE_PUT &&
	         !c->all->has_store)
		why = "keeps no files: there is no state disk (STARINA_DISK=none)";
	if (why != NULL)
		reply_error(request->client, request->id, 409, "container %s %s", c->name, why);
	else
		return true;
	return false;
}

// It is done at once, or once somebody visits the container.
static void begin(struct container *c)
{
	if (c->state != CONTAINER_RUNNING && visit_get(c) == NULL)
		archive_fail_all(c, "its files cannot be looked at: out of memory");
	archive_go_on(c);
}

void archive_add(struct container *c, uint32_t operation, handle_t channel, bool is_frozen)
{
	struct archive *a = heap_alloc(sizeof(*a));

	if (a == NULL || random_get(&a->number, sizeof(a->number)) < 0) {
		heap_free(a);
		handle_close(channel);
		return;
	}
	a->operation = operation;
	a->number |= 1u << 31;  // not 0 or 1
	a->channel = channel;
	a->is_frozen = is_frozen;
	list_push_back(&c->archives, &a->entry);
	begin(c);
}

void operation_archive(struct request *request, uint32_t operation)
{
	struct container *c = operation_find(request);
	struct archive *a;

	if (c == NULL || request->channel == HANDLE_NONE || !is_possible(request, c, operation))
		return;
	a = make(request, c, operation);
	if (a == NULL)
		return;
	request->channel = HANDLE_NONE;
	begin(c);
}
