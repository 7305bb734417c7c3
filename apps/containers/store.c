// SPDX-License-Identifier: MIT
//
// The records of containers, a file each in the app's own folder: what it is to be (the body that
// it was created with), and how it is. A file is replaced as a whole, so after a power cut it says
// what was or what is. Without a state disk there are none, and containers end with the machine.
#include "apps/containers/containers.h"
#include "apps/containers/mac.h"
#include "libs/base/fmt.h"
#include "libs/base/hex.h"
#include "libs/base/string.h"
#include "libs/files/steady.h"
#include "libs/starina/alloc.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define RECORD_MAX (CONTAINERS_BODY_MAX + 8192u)
// Besides what it was created with: what becomes of it may make a record longer than one that was
// accepted.
#define RECORD_SLACK 8192u
#define SUFFIX ".json"
// With a NUL.
#define NAME_MAX (CONTAINER_ID_TEXT + sizeof(SUFFIX) - 1)
// What Docker says of a container that ended with the machine.
#define STATUS_UNKNOWN 255

static struct steady_folder records;

static error_t ask(const struct containers *all, steady_fn *what, void *context)
{
	return steady_ask(&records, environ_connector(all->env, "own"), FILES_OWN_FOLDER, what,
	                  context);
}

static error_t ask_nothing(struct folder *folder, void *context)
{
	(void)folder;
	(void)context;
	return 0;
}

static error_t ask_drop_unfinished(struct folder *folder, void *context)
{
	(void)context;
	return folder_drop_unfinished(folder);
}

static void file_name(const struct container *c, char out[NAME_MAX])
{
	fmt_write(out, NAME_MAX, "%s" SUFFIX, c->id_text);
}

// --- Writing -------------------------------------------------------------------------------------

static void write_token(struct json_writer *w, const struct vmm_process *vmm)
{
	char text[HEX_SIZE(VMM_TOKEN_SIZE)];

	hex_write(vmm->token, sizeof(vmm->token), text);
	json_write_raw(w, ",\"Token\":");
	json_write_string(w, text);
}

static void write_number(struct json_writer *w, const char *key, uint64_t value)
{
	json_write_raw(w, key);
	json_write_i64(w, (int64_t)value);
}

static void write_record(struct json_writer *w, const struct container *c)
{
	bool starts = c->state == CONTAINER_RUNNING && !c->started && c->starts_at != 0;
	bool waits = c->state == CONTAINER_RUNNING && !c->started && !starts;
	enum container_state before = c->finished_at != 0 ? CONTAINER_EXITED : CONTAINER_CREATED;

	json_write_raw(w, "{\"Name\":");
	json_write_string(w, c->name);
	// One that is about to run has not run.
	write_number(w, ",\"State\":", waits ? before : c->state);
	write_number(w, ",\"CreatedUs\":", c->created_at / NSEC_PER_USEC);
	write_number(w, ",\"StartedUs\":", c->started_at / NSEC_PER_USEC);
	if (starts)
		write_number(w, ",\"StartsUs\":", c->starts_at / NSEC_PER_USEC);
	write_number(w, ",\"FinishedUs\":", c->finished_at / NSEC_PER_USEC);
	write_number(w, ",\"ExitCode\":", (uint64_t)c->exit_code);
	json_write_raw(w, ",\"Error\":");
	json_write_string(w, c->error);
	if (c->vmm != NULL)
		write_token(w, c->vmm);
	if (c->mounts.count > 0) {
		json_write_raw(w, ",\"Mounts\":");
		mounts_write_record(w, &c->mounts);
	}
	if (c->ports.count > 0) {
		json_write_raw(w, ",\"Ports\":");
		ports_write_record(w, c);
	}
	json_write_raw(w, ",\"ImageId\":");
	json_write_string(w, c->image_id);
	endpoints_write_record(w, c);
	json_write_raw(w, ",\"Body\":");
	json_write_raw(w, c->body);
	policy_write_record(w, c);
	json_write_raw(w, "}\n");
}

bool store_accepts(const struct container *c)
{
	struct json_writer w = { 0 };
	struct json_reader r;
	bool good;

	write_record(&w, c);
	r = json_reader_make((struct span){ .data = (const uint8_t *)w.text, .len = w.len });
	json_skip(&r);
	good = !w.bad && json_at_end(&r) && w.len <= RECORD_MAX;
	json_writer_deinit(&w);
	return good;
}

struct writing {
	const char *name;
	const char *text;
	size_t len;
};

static error_t ask_write(struct folder *folder, void *context)
{
	const struct writing *writing = context;

	return folder_replace(folder, writing->name, writing->text, writing->len);
}

static error_t ask_write_unsynced(struct folder *folder, void *context)
{
	const struct writing *writing = context;

	return folder_replace_unsynced(folder, writing->name, writing->text, writing->len);
}

static error_t put(const struct containers *all, const char *name, struct json_writer *w,
                   steady_fn *how)
{
	struct writing writing = { .name = name, .text = json_writer_text(w), .len = w->len };
	error_t err = 0;

	if (all->has_store) {
		err = writing.text != NULL ? ask(all, how, &writing) : ERR_NO_MEMORY;
		if (err < 0)
			log_error("%s is not written to the state disk: %s", name, error_text(err));
	}
	json_writer_deinit(w);
	return err;
}

error_t store_put(const struct containers *all, const char *name, struct json_writer *w)
{
	return put(all, name, w, ask_write);
}

static error_t ask_drop(struct folder *folder, void *context)
{
	error_t err = folder_remove(folder, context);

	return err == 0 || err == ERR_NOT_FOUND ? folder_sync(folder) : err;
}

static error_t ask_forget(struct folder *folder, void *context)
{
	error_t err = folder_remove(folder, context);

	return err == ERR_NOT_FOUND ? 0 : err;
}

static void drop(const struct containers *all, const char *name, steady_fn *how)
{
	error_t err = all->has_store ? ask(all, how, (void *)(uintptr_t)name) : 0;

	if (err < 0)
		log_error("%s stays on the state disk: %s", name, error_text(err));
}

void store_drop(const struct containers *all, const char *name)
{
	drop(all, name, ask_drop);
}

// One that goes with its end goes with the machine, too (drop_ended): its record is for the next
// instance of this app, which finds it with `fs`, and nobody waits for the disk. But a record that
// names volumes that nobody else knows is there before they are used.
static bool is_passing(const struct container *c)
{
	bool names_volumes = false;

	for (size_t i = 0; i < c->mounts.count; i++)
		names_volumes = names_volumes || c->mounts.items[i].anonymous;
	return c->settings.auto_remove && !names_volumes;
}

bool store_write(const struct container *c)
{
	struct json_writer w = { 0 };
	char name[NAME_MAX];

	if (!c->all->has_store || container_is_hidden(c))
		return true;
	file_name(c, name);
	write_record(&w, c);
	return put(c->all, name, &w, is_passing(c) ? ask_write_unsynced : ask_write) == 0;
}

void store_remove(const struct container *c)
{
	char name[NAME_MAX];

	if (container_is_hidden(c))
		return;
	file_name(c, name);
	// The record of one that goes with its end is dropped after a power cut: this need not be
	// waited for.
	drop(c->all, name, c->settings.auto_remove ? ask_forget : ask_drop);
}

// --- Reading -------------------------------------------------------------------------------------

static void read_text(struct json_reader *r, char *out, size_t size)
{
	char *text = json_take_string(r);

	if (text != NULL && str_copy(out, text, size) >= size)
		r->bad = true;
	heap_free(text);
}

static void read_body(struct json_reader *r, struct container *c)
{
	char error[SETTINGS_ERROR_MAX];
	struct span body;

	if (json_take_null(r) || c->body != NULL) {
		r->bad = true;
		return;
	}
	body = json_take_raw(r);
	if (json_reader_status(r) < 0)
		return;
	c->body = heap_alloc(body.len + 1);
	if (c->body != NULL)
		memcpy(c->body, body.data, body.len);
	if (c->body == NULL || settings_parse(&c->settings, body, error) < 0)
		r->bad = true;
}

static void read_member(struct json_reader *r, struct span key, struct container *c,
                        char token[HEX_SIZE(VMM_TOKEN_SIZE)])
{
	if (span_is(key, "Name"))
		read_text(r, c->name, sizeof(c->name));
	else if (span_is(key, "State"))
		c->state = (enum container_state)json_take_u64(r);
	else if (span_is(key, "CreatedUs"))
		c->created_at = json_take_u64(r) * NSEC_PER_USEC;
	else if (span_is(key, "StartedUs"))
		c->started_at = json_take_u64(r) * NSEC_PER_USEC;
	else if (span_is(key, "StartsUs"))
		c->starts_at = json_take_u64(r) * NSEC_PER_USEC;
	else if (span_is(key, "FinishedUs"))
		c->finished_at = json_take_u64(r) * NSEC_PER_USEC;
	else if (span_is(key, "ExitCode"))
		c->exit_code = (int)json_take_u64(r);
	else if (span_is(key, "Error"))
		read_text(r, c->error, sizeof(c->error));
	else if (span_is(key, "Token"))
		read_text(r, token, HEX_SIZE(VMM_TOKEN_SIZE));
	else if (span_is(key, "Mounts"))
		mounts_read_record(r, &c->mounts);
	else if (span_is(key, "Ports"))
		ports_read_record(r, &c->ports);
	else if (span_is(key, "ImageId"))
		read_text(r, c->image_id, sizeof(c->image_id));
	else if (span_is(key, "Endpoints"))
		endpoints_read_record(r, c);
	else if (span_is(key, "Mac"))
		mac_read_record(r, c->mac);
	else if (span_is(key, "Body"))
		read_body(r, c);
	else if (span_is(key, "Restarts"))
		policy_read_record(r, c);
	else
		json_skip(r);
}

// It was about to run when the machine went off: it is what it was before. One that was to go with
// its end goes.
static void take_unstarted(struct container *c)
{
	c->state = c->finished_at != 0 || c->settings.auto_remove ? CONTAINER_EXITED
								  : CONTAINER_CREATED;
	c->starts_at = 0;
	store_write(c);
}

// The process of its virtual machine may run still, and comes back then.
static void take_running(struct container *c, const char *token)
{
	uint8_t bytes[VMM_TOKEN_SIZE];

	if (c->state != CONTAINER_RUNNING)
		return;
	c->started = c->started_at != 0 && c->starts_at == 0;
	if (c->all->restarted && hex_read(token, bytes, sizeof(bytes)))
		vmms_expect(c, bytes);
	if (c->vmm != NULL)
		return;
	if (c->starts_at != 0) {
		take_unstarted(c);
		return;
	}
	c->state = CONTAINER_EXITED;
	c->exit_code = STATUS_UNKNOWN;
	str_copy(c->error, "the machine went off", sizeof(c->error));
	// When is not known; by now it has.
	c->finished_at = record_time();
	store_write(c);
	c->started = false;
}

static bool parse(struct container *c, struct span text)
{
	struct json_reader r = json_reader_make(text);
	char token[HEX_SIZE(VMM_TOKEN_SIZE)] = "", error[SETTINGS_ERROR_MAX];
	struct span key;

	json_enter_object(&r);
	while (json_next_member(&r, &key))
		read_member(&r, key, c, token);
	if (!json_at_end(&r) || c->body == NULL || c->name[0] == '\0' ||
	    c->state > CONTAINER_EXITED || (!c->has_endpoints && endpoints_make(c, error) < 0))
		return false;
	take_running(c, token);
	if (c->state != CONTAINER_RUNNING)
		endpoints_release(c);
	if (c->state != CONTAINER_RUNNING && c->all->restarted)
		ports_release(c);
	else if (c->state != CONTAINER_RUNNING)
		port_list_deinit(&c->ports);
	return true;
}

// A record that is none is left where it is, and said.
static void read_record(struct containers *all, const char *name)
{
	struct container *c = heap_alloc(sizeof(*c));
	uint8_t *text = NULL;
	char id[CONTAINER_ID_TEXT];
	size_t len = 0;
	bool good = c != NULL && str_copy(id, name, sizeof(id)) == NAME_MAX - 1;

	if (good) {
		container_init(c, all);
		str_copy(c->id_text, id, sizeof(c->id_text));
		good = hex_read(id, c->id, sizeof(c->id)) &&
			store_get(all, name, RECORD_MAX + RECORD_SLACK, &text, &len) == 0 &&
			parse(c, (struct span){ .data = text, .len = len });
	}
	heap_free(text);
	if (good) {
		container_add(c);
		return;
	}
	log_warn("%s on the state disk is no record of a container, or cannot be read", name);
	all->lacks_records = true;
	if (c != NULL)
		container_discard(c);
}

// What was to go with its end has ended with the machine, also if it has not run yet; dockerd does
// the same at its start. Once all are known: others may have its volumes.
static void drop_ended(struct containers *all)
{
	list_for_each_safe(pos, &all->containers)
	{
		struct container *c = container_of(pos, struct container, entry);

		if (!c->settings.auto_remove || c->state == CONTAINER_RUNNING ||
		    (c->state == CONTAINER_CREATED && all->restarted))
			continue;
		mounts_remove(c);
		store_remove(c);
		list_remove(&c->entry);
		all->num_containers--;
		container_discard(c);
	}
}

struct listing {
	struct string_list *names;
	size_t name_len;
	size_t max;
	error_t error;
};

static void add_name(void *context, const struct file_entry *entry)
{
	struct listing *listing = context;

	if (entry->type == FILE_TYPE_FILE && strlen(entry->name) == listing->name_len &&
	    listing->error == 0 && listing->names->count < listing->max)
		listing->error = string_list_add(listing->names, entry->name);
}

static error_t ask_list(struct folder *folder, void *context)
{
	struct listing *listing = context;
	error_t err;

	string_list_deinit(listing->names);
	listing->error = 0;
	err = folder_list(folder, "/", add_name, listing);
	return err == 0 ? listing->error : err;
}

error_t store_list(const struct containers *all, size_t name_len, size_t max,
                   struct string_list *out)
{
	struct listing listing = { .names = out, .name_len = name_len, .max = max };

	return ask(all, ask_list, &listing);
}

struct reading {
	const char *name;
	size_t max;
	uint8_t **text;
	size_t *len;
};

static error_t ask_read(struct folder *folder, void *context)
{
	const struct reading *reading = context;

	return folder_read(folder, reading->name, reading->max, reading->text, reading->len);
}

error_t store_get(const struct containers *all, const char *name, size_t max, uint8_t **text,
                  size_t *len)
{
	struct reading reading = { .name = name, .max = max, .text = text, .len = len };

	return ask(all, ask_read, &reading);
}

void store_read(struct containers *all)
{
	struct string_list names = { 0 };
	error_t err;

	all->has_store = ask(all, ask_nothing, NULL) == 0;
	if (!all->has_store) {
		log_info("there is no state disk: containers are gone when the machine goes off");
		return;
	}
	err = ask(all, ask_drop_unfinished, NULL);
	if (err < 0)
		log_warn("what a power cut left of records stays: %s", error_text(err));
	networks_read(all);
	err = store_list(all, NAME_MAX - 1, CONTAINERS_MAX, &names);
	if (err < 0) {
		log_error("the records of containers cannot be read: %s", error_text(err));
		all->lacks_records = true;
	}
	for (size_t i = 0; i < names.count; i++)
		read_record(all, names.items[i]);
	volumes_read(all);
	if (all->lacks_records)
		log_error("not all containers are known: layers, logs and volumes that they may "
		          "have stay on the state disk");
	drop_ended(all);
	string_list_deinit(&names);
}
