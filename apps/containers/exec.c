// SPDX-License-Identifier: MIT
//
// Processes that are added to containers, as docker exec does. What is known of them is in memory
// only, and goes with their container's next start or its removal: they run on when this app
// ends, and nobody can ask for their status then.
#include "apps/containers/containers.h"
#include "libs/base/fmt.h"
#include "libs/base/hex.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

// Of a container; those that have ended, or were not started, make room for new ones.
#define MAX_EXECS 256u
// Of all containers' together: of what they were asked to be.
#define MAX_BYTES (4u * 1024 * 1024)
#define STATUS_KILLED 137

enum exec_state {
	EXEC_CREATED,
	EXEC_STARTING,  // its vmm was told
	EXEC_RUNNING,
	EXEC_ENDED,
};

struct exec {
	struct container *c;
	struct list entry;  // of c->execs
	char id_text[CONTAINER_ID_TEXT];
	uint32_t number;  // of the process, for its vmm
	size_t size;      // of what it was asked to be
	struct exec_settings settings;
	enum exec_state state;
	int exit_code;
	struct client *client;  // who waits for its start; NULL: nobody
	uint32_t request;
	uint32_t num_syncs;  // inspections that wait for what its vmm has told
};

static bool is_alive(const struct exec *e)
{
	return e->state == EXEC_STARTING || e->state == EXEC_RUNNING;
}

// "exec_create: sh -c true"; a long command is cut.
static void tell_command(const struct exec *e, const char *action)
{
	char text[256], more[CONTAINER_ID_TEXT + 32];
	size_t len = fmt_write(text, sizeof(text), "%s:", action);

	for (size_t i = 0; i < e->settings.cmd.count && len < sizeof(text); i++)
		len += fmt_write(text + len, sizeof(text) - len, " %s", e->settings.cmd.items[i]);
	fmt_write(more, sizeof(more), "\"execID\":\"%s\"", e->id_text);
	events_container(e->c, text, more);
}

static void end(struct exec *e, int exit_code)
{
	char more[CONTAINER_ID_TEXT + 64];

	e->state = EXEC_ENDED;
	e->exit_code = exit_code;
	fmt_write(more, sizeof(more), "\"execID\":\"%s\",\"exitCode\":\"%d\"", e->id_text,
	          exit_code);
	events_container(e->c, "exec_die", more);
}

static void exec_free(struct exec *e)
{
	list_remove(&e->entry);
	e->c->num_execs--;
	e->c->all->exec_bytes -= e->size;
	exec_settings_deinit(&e->settings);
	heap_free(e);
}

void exec_free_all(struct container *c)
{
	list_for_each_safe(pos, &c->execs)
	{
		exec_free(container_of(pos, struct exec, entry));
	}
}

void exec_waiters_drop(struct container *c, const struct client *client, uint32_t id)
{
	list_for_each(entry, &c->execs) {
		struct exec *e = container_of(entry, struct exec, entry);

		if (e->client == client && (id == 0 || e->request == id))
			e->client = NULL;
	}
}

static struct exec *find_number(struct container *c, uint32_t number)
{
	list_for_each(entry, &c->execs) {
		struct exec *e = container_of(entry, struct exec, entry);

		if (e->number == number)
			return e;
	}
	return NULL;
}

// The one that the target names, or NULL, and the request was answered.
static struct exec *find(struct request *request)
{
	list_for_each(entry, &request->all->containers) {
		struct container *c = container_of(entry, struct container, entry);

		list_for_each(pos, &c->execs) {
			struct exec *e = container_of(pos, struct exec, entry);

			if (strcmp(e->id_text, request->target) == 0)
				return e;
		}
	}
	reply_error(request->client, request->id, 404, "No such exec instance: %s",
	            request->target);
	return NULL;
}

// --- Create --------------------------------------------------------------------------------------

// Whether a process can be added to it; the request is answered otherwise.
static bool runs(struct request *request, const struct container *c)
{
	if (c->state != CONTAINER_RUNNING || !c->started)
		reply_error(request->client, request->id, 409, "container %s is not running",
		            c->id_text);
	else if (c->paused || c->is_pausing)
		reply_error(request->client, request->id, 409,
		            "container %s is paused, unpause the container before exec",
		            c->id_text);
	else
		return operation_can_reach(request, c);
	return false;
}

// The oldest that has ended, or was not started; NULL: there is none.
static struct exec *find_spare(struct container *c)
{
	list_for_each(entry, &c->execs) {
		struct exec *e = container_of(entry, struct exec, entry);

		if (!is_alive(e) && e->num_syncs == 0)
			return e;
	}
	return NULL;
}

static struct exec *find_spare_of_any(struct containers *all)
{
	struct exec *e = NULL;

	list_for_each(entry, &all->containers) {
		e = find_spare(container_of(entry, struct container, entry));
		if (e != NULL)
			break;
	}
	return e;
}

// A container has its own number of them; the bytes are of all.
static bool make_room(struct container *c, size_t size)
{
	while (c->num_execs >= MAX_EXECS || c->all->exec_bytes + size > MAX_BYTES) {
		struct exec *e = find_spare(c);

		if (e == NULL && c->num_execs < MAX_EXECS)
			e = find_spare_of_any(c->all);
		if (e == NULL)
			return false;
		exec_free(e);
	}
	return true;
}

// Its process's number comes from its id, so that those from before a restart of this app, which
// may run still, have others.
static error_t choose_id(struct exec *e)
{
	uint8_t id[VMM_ID_SIZE];
	error_t err;

	do {
		err = random_get(id, sizeof(id));
		if (err < 0)
			return err;
		memcpy(&e->number, id, sizeof(e->number));
	} while (e->number <= 1 || find_number(e->c, e->number) != NULL);
	hex_write(id, sizeof(id), e->id_text);
	return 0;
}

// NULL: `settings` is the caller's still.
static struct exec *make(struct container *c, const struct exec_settings *settings, size_t size)
{
	struct exec *e = heap_alloc(sizeof(*e));

	if (e == NULL)
		return NULL;
	e->c = c;
	if (choose_id(e) < 0) {
		heap_free(e);
		return NULL;
	}
	e->settings = *settings;
	e->size = size;
	c->all->exec_bytes += size;
	list_push_back(&c->execs, &e->entry);
	c->num_execs++;
	return e;
}

void operation_exec_create(struct request *request)
{
	struct container *c = operation_find(request);
	char error[SETTINGS_ERROR_MAX];
	struct exec_settings settings;
	struct json_writer w = { 0 };
	struct exec *e;
	error_t err;

	if (c == NULL || !runs(request, c))
		return;
	err = exec_settings_parse(&settings, request->body, error);
	if (err < 0) {
		reply_error(request->client, request->id, err == ERR_NO_MEMORY ? 500 : 400, "%s",
		            err == ERR_NO_MEMORY ? "out of memory" : error);
		return;
	}
	if (!make_room(c, request->body.len)) {
		exec_settings_deinit(&settings);
		reply_error(request->client, request->id, 409,
		            "there are too many exec commands that run, or they are too long: wait "
		            "until some of container %s have ended",
		            c->id_text);
		return;
	}
	e = make(c, &settings, request->body.len);
	if (e == NULL) {
		exec_settings_deinit(&settings);
		reply_error(request->client, request->id, 500, "out of memory");
		return;
	}
	tell_command(e, "exec_create");
	json_write_raw(&w, "{\"Id\":");
	json_write_string(&w, e->id_text);
	json_write_raw(&w, "}");
	reply_json(request->client, request->id, 201, &w);
}

// --- Start ---------------------------------------------------------------------------------------

// As with dockerd, the start says whether the output has frames.
static uint32_t flags_of(const struct exec_settings *s, const struct exec_start *start)
{
	return (s->tty ? VMM_TTY : 0) | (s->attach_stdin && !start->detach ? VMM_EXEC_STDIN : 0) |
		(s->tty && !start->tty ? VMM_EXEC_FRAMES : 0) |
		(s->attach_stdout ? 0 : VMM_EXEC_NO_STDOUT) |
		(s->attach_stderr ? 0 : VMM_EXEC_NO_STDERR);
}

// The order for its vmm, with the channel unless that is HANDLE_NONE. Errors: ERR_NOT_FOUND (the
// image is gone), ERR_NO_MEMORY, ERR_LIMIT.
static error_t make_order(const struct exec *e, const struct exec_start *start, struct message *m)
{
	const struct container *c = e->c;
	const struct image *image = container_image(c);
	struct msg_vmm_exec fixed = { .process = e->number,
		                      .flags = flags_of(&e->settings, start) };
	struct json_writer w = { 0 };
	error_t err = image != NULL ? config_write_exec(c, image, &e->settings, &w) : ERR_NOT_FOUND;

	if (e->settings.tty)
		fixed.keys = e->settings.keys;
	if (err == 0)
		return vmms_exec_order(m, fixed, &w);
	json_writer_deinit(&w);
	return err;
}

static bool can_start(struct request *request, const struct exec *e)
{
	if (e->state == EXEC_ENDED)
		reply_error(request->client, request->id, 409,
		            "Error: Exec command %s has already run", e->id_text);
	else if (e->state != EXEC_CREATED)
		reply_error(request->client, request->id, 409,
		            "Error: Exec command %s is already running", e->id_text);
	else
		return runs(request, e->c);
	return false;
}

// Tells the vmm; the request is answered, but when it is detached and went well.
static void order(struct request *request, struct exec *e, const struct exec_start *start)
{
	struct message m;
	error_t err;

	message_init(&m, 0);
	err = make_order(e, start, &m);
	if (err < 0) {
		reply_error(request->client, request->id, 500, "%s", error_text(err));
		return;
	}
	if (!start->detach) {
		m.handles[m.num_handles++] = request->channel;
		request->channel = HANDLE_NONE;
	}
	if (!vmms_send(e->c->vmm, &m)) {
		reply_error(request->client, request->id, 503,
		            "container %s cannot be told: try again", e->c->id_text);
		return;
	}
	e->state = EXEC_STARTING;
	tell_command(e, "exec_start");
	if (!start->detach)
		reply_empty(request->client, request->id, 200,
		            CONTAINERS_STREAM |
		                    (e->settings.tty && start->tty ? CONTAINERS_TTY : 0));
}

void operation_exec_start(struct request *request)
{
	struct exec *e = find(request);
	char error[SETTINGS_ERROR_MAX];
	struct exec_start start;
	error_t err;

	if (e == NULL || !can_start(request, e))
		return;
	err = exec_start_parse(&start, request->body, error);
	if (err == 0 && !start.detach && request->channel == HANDLE_NONE) {
		str_copy(error,
		         "an exec that is not detached needs a connection that can be upgraded",
		         sizeof(error));
		err = ERR_INVALID;
	}
	if (err < 0) {
		reply_error(request->client, request->id, err == ERR_NO_MEMORY ? 500 : 400, "%s",
		            err == ERR_NO_MEMORY ? "out of memory" : error);
		return;
	}
	if (start.console_size[0] != 0)
		memcpy(e->settings.console_size, start.console_size, sizeof(start.console_size));
	order(request, e, &start);
	if (start.detach && e->state == EXEC_STARTING) {
		e->client = request->client;
		e->request = request->id;
	}
}

static void answer_start(struct exec *e, uint32_t status, const char *text)
{
	struct client *client = e->client;

	e->client = NULL;
	if (client != NULL && text[0] != '\0')
		reply_error(client, e->request, status, "%s", text);
	else if (client != NULL)
		reply_empty(client, e->request, status, 0);
}

// --- What becomes of it --------------------------------------------------------------------------

void exec_told(struct container *c, const struct msg_vmm_process *process, const char *text)
{
	struct exec *e = health_told(c, process) ? NULL : find_number(c, process->process);

	if (e == NULL || !is_alive(e))
		return;
	if (process->state == VMM_RUNNING) {
		e->state = EXEC_RUNNING;
		answer_start(e, 200, "");
		return;
	}
	end(e, process->status & 0xff);
	answer_start(e, text[0] != '\0' ? 400 : 200, text);
}

void exec_end_all(struct container *c)
{
	list_for_each(entry, &c->execs) {
		struct exec *e = container_of(entry, struct exec, entry);

		if (!is_alive(e))
			continue;
		end(e, STATUS_KILLED);
		answer_start(e, 409, "the container has ended");
	}
}

void operation_exec_resize(struct request *request)
{
	struct exec *e = find(request);
	struct msg_vmm_resize resize;
	struct message m;
	error_t err;

	if (e == NULL || !operation_take_size(request, &resize))
		return;
	if (!is_alive(e)) {
		reply_error(request->client, request->id, 409, "exec command %s is not running",
		            e->id_text);
		return;
	}
	if (!operation_can_reach(request, e->c))
		return;
	resize.process = e->number;
	err = message_encode_vmm_resize(&m, &resize, NULL, 0);
	assert(err == 0);
	(void)vmms_send(e->c->vmm, &m);
	reply_empty(request->client, request->id, 200, 0);
}

// --- Showing -------------------------------------------------------------------------------------

static void write_bool(struct json_writer *w, const char *key, bool value)
{
	json_write_raw(w, key);
	json_write_raw(w, value ? "true" : "false");
}

static void write_string(struct json_writer *w, const char *key, const char *value)
{
	json_write_raw(w, key);
	json_write_string(w, value != NULL ? value : "");
}

static void write_process(struct json_writer *w, const struct exec_settings *s)
{
	write_bool(w, ",\"ProcessConfig\":{\"tty\":", s->tty);
	write_bool(w, ",\"privileged\":", s->privileged);
	write_string(w, ",\"user\":", s->user);
	write_string(w, ",\"entrypoint\":", s->cmd.items[0]);
	json_write_raw(w, ",\"arguments\":[");
	for (size_t i = 1; i < s->cmd.count; i++)
		json_write_string(w, s->cmd.items[i]);
	json_write_raw(w, "]}");
}

static void show(const struct exec *e, struct client *client, uint32_t request)
{
	struct json_writer w = { 0 };

	write_string(&w, "{\"ID\":", e->id_text);
	write_bool(&w, ",\"Running\":", is_alive(e));
	json_write_raw(&w, ",\"ExitCode\":");
	if (e->state == EXEC_ENDED)
		json_write_i64(&w, e->exit_code);
	else
		json_write_raw(&w, "null");
	write_process(&w, &e->settings);
	write_bool(&w, ",\"OpenStdin\":", e->settings.attach_stdin);
	write_bool(&w, ",\"OpenStderr\":", e->settings.attach_stderr);
	write_bool(&w, ",\"OpenStdout\":", e->settings.attach_stdout);
	write_string(&w, ",\"CanRemove\":false,\"ContainerID\":", e->c->id_text);
	write_string(&w, ",\"DetachKeys\":", e->settings.detach_keys);
	json_write_raw(&w, ",\"Pid\":");
	json_write_i64(&w, is_alive(e) ? e->number : 0);
	json_write_raw(&w, "}");
	reply_json(client, request, 200, &w);
}

static void synced(void *context, const struct query_answer *answer)
{
	struct exec *e = context;

	e->num_syncs--;
	if (answer->client != NULL)
		show(e, answer->client, answer->request);
}

// A client that has read all output of a process asks for its status. The vmm has told it before it
// ended the output, but other requests may be handled before that: so an answer of the vmm is
// awaited, which comes behind what it has told.
void operation_exec_inspect(struct request *request)
{
	struct exec *e = find(request);

	if (e == NULL)
		return;
	if (is_alive(e) &&
	    query_ask(e->c, VMM_QUERY_SYNC, 0, request->client, request->id, synced, e) == 0)
		e->num_syncs++;
	else
		show(e, request->client, request->id);
}

void exec_write_ids(struct json_writer *w, const struct container *c)
{
	bool any = false;

	list_for_each(entry, &c->execs) {
		const struct exec *e = container_of(entry, struct exec, entry);

		if (!is_alive(e))
			continue;
		if (!any)
			json_write_raw(w, "[");
		any = true;
		json_write_string(w, e->id_text);
	}
	json_write_raw(w, any ? "]" : "null");
}
