// SPDX-License-Identifier: MIT
//
// The app manager between clients that ask anything, files of all kinds, and processes that end as
// they like, on a fake of the launcher's calls. An input is a list of steps. A process that runs is
// never lost. At the end everything is unloaded, and nothing may be left.
#include <stdlib.h>

#include "apps/app_manager/main.c"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/loader/app_file_fake.h"
#include "libs/starina/clients_fake.h"
#include "libs/starina/system_objects_fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CLIENTS 3u
#define NAMES 4u  // of apps: "aake" to "dake"
#define MAX_PROCESSES 64u

static handle_t service, clients[CLIENTS];
static handle_t kept[LAUNCHER_MAX_KEPT];
static size_t num_kept;

// A process, which ends by closing its end of a channel: the manager's is the handle.
static struct body {
	handle_t ours;  // the manager's end once more, for as long as it has one; HANDLE_NONE: free
	handle_t end;   // HANDLE_NONE: it has ended
	char name[APP_NAME_MAX];
	bool started;
	bool killed;  // it ends soon
	uint32_t waiting;
	uint32_t how;
	int32_t status;
} bodies[MAX_PROCESSES];

// --- Calls ---------------------------------------------------------------------------------------

static struct body *body_of(handle_t process)
{
	const struct fake_object *object = fake_object_of(process, CHANNEL);

	for (size_t i = 0; i < MAX_PROCESSES; i++)
		if (bodies[i].ours != HANDLE_NONE &&
		    fake_object_of(bodies[i].ours, CHANNEL) == object)
			return &bodies[i];
	abort();
}

error_t process_create(handle_t launcher, const struct process_options *options, handle_t *out)
{
	struct body *body = NULL;
	handle_t ends[2];
	error_t err;

	(void)fake_object_of(launcher, EVENT);
	for (size_t i = 0; i < MAX_PROCESSES; i++) {
		if (bodies[i].ours == HANDLE_NONE)
			body = &bodies[i];
		else if (bodies[i].end != HANDLE_NONE && strcmp(bodies[i].name, options->name) == 0)
			return ERR_EXISTS;
	}
	if (body == NULL)
		return ERR_LIMIT;
	err = channel_create(ends);
	if (err == 0)
		err = handle_duplicate(ends[0], RIGHTS_SAME, &body->ours);
	if (err != 0)
		return err;
	*out = ends[0];
	*body = (struct body){ .ours = body->ours, .end = ends[1] };
	str_copy(body->name, options->name, sizeof(body->name));
	return 0;
}

// What each call on a process that was not started can come to.
static error_t filling(handle_t process)
{
	const struct body *body = body_of(process);

	if (body->started || body->end == HANDLE_NONE)
		return ERR_BAD_STATE;
	return fake_memory_fails() ? ERR_NO_MEMORY : 0;
}

error_t process_map(handle_t process, const struct process_segment *segment)
{
	struct folio_info info;

	if (segment->length > 0 &&
	    (folio_info(segment->folio, &info) != 0 ||
	     !range_within(segment->offset, segment->length, info.size)))
		abort();
	return filling(process);
}

error_t process_map_runtime(handle_t process, const char *name, size_t name_len,
                            struct process_runtime *out)
{
	memset(out, 0, sizeof(*out));
	return span_is(span_make(name, name_len), "fake") ? filling(process) : ERR_NOT_FOUND;
}

error_t process_grant(handle_t process, handle_t h, handle_t *out)
{
	error_t err = filling(process);

	if (err != 0)
		return err;
	*out = 1;
	return handle_close(h);
}

error_t service_provide(handle_t connector, handle_t process, handle_t *out)
{
	(void)fake_object_of(connector, CONNECTOR);
	*out = 2;
	return filling(process);
}

error_t process_start(handle_t process, const struct process_start *start,
                      const struct environ *env)
{
	error_t err = filling(process);

	(void)start;
	if (env->num_entries > ENV_MAX_ENTRIES)
		abort();
	if (err == 0)
		body_of(process)->started = true;
	return err;
}

error_t process_kill(handle_t process)
{
	struct body *body = body_of(process);

	if (body->end == HANDLE_NONE)
		return ERR_BAD_STATE;
	body->killed = true;
	return 0;
}

error_t process_info(handle_t process, struct process_info *out)
{
	const struct body *body = body_of(process);
	bool ended = body->end == HANDLE_NONE;

	*out = (struct process_info){ .state = ended ? PROCESS_ENDED : PROCESS_RUNNING,
		                      .end = body->how,
		                      .status = body->status,
		                      .threads = 1,
		                      .waiting = body->waiting };
	return 0;
}

// The image has one service.
static bool is_of_image(const char *name, size_t name_len)
{
	return span_is(span_make(name, name_len), "echo");
}

error_t service_create(handle_t launcher, const char *name, size_t name_len, handle_t *out)
{
	(void)fake_object_of(launcher, EVENT);
	if (is_of_image(name, name_len))
		return ERR_EXISTS;
	if (fake_memory_fails())
		return ERR_NO_MEMORY;
	*out = fake_connector_create();
	return 0;
}

error_t launcher_connector(handle_t launcher, const char *name, size_t name_len, handle_t *out)
{
	(void)fake_object_of(launcher, EVENT);
	if (!is_of_image(name, name_len))
		return ERR_NOT_FOUND;
	*out = fake_connector_create();
	return 0;
}

error_t launcher_keep(handle_t launcher, uint32_t place, handle_t h)
{
	(void)fake_object_of(launcher, EVENT);
	if (place >= LAUNCHER_MAX_KEPT)
		abort();
	if (h != HANDLE_NONE && fake_memory_fails())
		return ERR_NO_MEMORY;
	if (kept[place] != HANDLE_NONE) {
		(void)!handle_close(kept[place]);
		num_kept--;
	}
	kept[place] = h;
	num_kept += h != HANDLE_NONE;
	return 0;
}

error_t launcher_kept(handle_t launcher, uint32_t place, handle_t *out)
{
	(void)fake_object_of(launcher, EVENT);
	return kept[place] == HANDLE_NONE ? ERR_NOT_FOUND
					  : handle_duplicate(kept[place], RIGHTS_SAME, out);
}

// --- Processes -----------------------------------------------------------------------------------

static void body_ends(struct body *body, uint32_t how, int32_t status)
{
	if (body->end == HANDLE_NONE)
		return;
	body->how = body->killed ? PROCESS_END_KILLED : how;
	body->status = status;
	fake_close(&body->end);
}

// Forgets those of which the manager has no handle any more.
static void bodies_reap(void)
{
	for (size_t i = 0; i < MAX_PROCESSES; i++) {
		struct body *body = &bodies[i];

		if (body->ours == HANDLE_NONE || fake_object_of(body->ours, CHANNEL)->refs > 1)
			continue;
		if (body->started && body->end != HANDLE_NONE && !body->killed)
			abort();
		fake_close(&body->end);
		fake_close(&body->ours);
	}
}

static void body_acts(uint8_t how)
{
	struct body *body = &bodies[how % 8];

	if (body->ours == HANDLE_NONE || !body->started)
		return;
	if (how / 8 % 4 == 0)
		body->waiting = 1;
	else
		body_ends(body, how / 8 % 4 == 1 ? PROCESS_END_FAULT : PROCESS_END_EXIT,
		          how / 8 % 4 - 2);
}

// --- Clients -------------------------------------------------------------------------------------

// A file of one of a few apps, which provide and need each other's services. Of a broken one, some
// bytes of the spec are the input's.
static void make_file(uint8_t *bytes, uint8_t how, const uint8_t *data, size_t len)
{
	uint8_t letter = (uint8_t)('a' + how % NAMES), kind = len > 0 ? data[0] : 0;
	uint8_t other = (uint8_t)('a' + kind % NAMES);
	uint8_t *strings = bytes + FAKE_SPEC + FAKE_STRINGS;

	app_file_fake(bytes);
	strings[0] = strings[44] = strings[49] = letter;
	if ((kind & 4) != 0)
		memcpy(strings + 5, (char[]){ (char)other, 'a', 'k', 'e' }, 4);
	fake_put32(bytes, FAKE_SPEC + 36, (kind >> 3 & 3) % (RESTART_ALWAYS + 1));
	fake_put32(bytes, FAKE_SPEC + 56, (kind & 128) != 0 ? 4 : kind >> 5 & 3);
	fake_put32(bytes, FAKE_SPEC + 64, how / NAMES % 3);
	if (how / NAMES % 16 == 15)
		app_file_fake_script(bytes);
	for (size_t i = 1; i + 1 < len; i += 2)
		bytes[FAKE_SPEC + data[i]] = data[i + 1];
}

static void client_loads(handle_t client, uint8_t how, const uint8_t *data, size_t len)
{
	struct msg_apps_load load = { .id = how, .flags = how >> 6, .size = FAKE_SIZE };
	struct message m;
	void *bytes;
	handle_t folio;

	if (folio_create(FAKE_SIZE, FOLIO_CONTIGUOUS, &folio) != 0)
		return;
	if (folio_map(folio, PROT_READ | PROT_WRITE, &bytes) != 0)
		abort();
	make_file(bytes, how, data, len);
	if (client == HANDLE_NONE || message_encode_apps_load(&m, &load, NULL, 0) != 0) {
		(void)!handle_close(folio);
		return;
	}
	m.handles[0] = folio;
	m.num_handles = 1;
	fake_send(client, &m);
}

static void name_of(uint8_t how, char out[APP_NAME_MAX])
{
	static const char *const ends[] = { "", "", ".1", ".2" };

	fmt_write(out, APP_NAME_MAX, "%cake%s", 'a' + how % (int)NAMES, ends[how / NAMES % 4]);
}

static void client_starts(handle_t client, uint8_t how, const uint8_t *data, size_t len)
{
	struct msg_apps_start start = { .id = how,
		                        .flags = how >> 7,
		                        .handle_limit = len > 1 ? data[1] : 0 };
	uint8_t bytes[sizeof(start) + 64] = { 0 };

	name_of(how, start.name);
	memcpy(bytes, &start, sizeof(start));
	if (len > 64)
		len = 64;
	if (len > 0)
		memcpy(bytes + sizeof(start), data, len);
	fake_say(client, MSG_APPS_START, bytes, sizeof(start) + len,
	         fake_cargo((how & 32) != 0, (how & 64) != 0), 4096);
}

static void client_stops(handle_t client, uint8_t how)
{
	struct msg_apps_stop stop = { .id = how, .flags = how >> 7 };

	name_of(how, stop.name);
	fake_say(client, MSG_APPS_STOP, (const uint8_t *)&stop, sizeof(stop), FAKE_NOTHING, 0);
}

// --- An input ------------------------------------------------------------------------------------

static void begin(void)
{
	fake_reset();
	memset(clients, 0, sizeof(clients));
	service = fake_service_create();
	if (event_create(&manager_launcher) != 0 || loop_init(&manager_loop) != 0 ||
	    apps_init() != 0 || requests_init(service) != 0)
		abort();
	fake_loop_settle(&manager_loop);
}

static void turn(void)
{
	fake_loop_settle(&manager_loop);
	bodies_reap();
}

enum { CONNECT, LOAD, START, STOP, ASK, SAY, BODY, KILLED, TIME, TAKE, CLOSE, MEMORY, NUM_STEPS };

static void step(unsigned what, uint8_t how, const uint8_t *data, size_t len)
{
	handle_t *client = &clients[len % CLIENTS];

	switch (what) {
	case CONNECT:
		if (*client == HANDLE_NONE)
			*client = fake_client_connect(service);
		break;
	case LOAD: client_loads(*client, how, data, len); break;
	case START: client_starts(*client, how, data, len); break;
	case STOP: client_stops(*client, how); break;
	case ASK:
		fake_say(*client, how & 1 ? MSG_APPS_LIST : MSG_APPS_WATCH, (uint8_t[8]){ how }, 8,
		         FAKE_NOTHING, 0);
		break;
	case SAY:
		fake_say(*client, MSG_APPS_LOAD + how % 12u, data, len,
		         fake_cargo((how & 64) != 0, (how & 128) != 0), 4096);
		break;
	case BODY: body_acts(how); break;
	case KILLED:
		for (size_t i = 0; i < MAX_PROCESSES; i++)
			if (bodies[i].killed)
				body_ends(&bodies[i], PROCESS_END_KILLED, 0);
		break;
	case TIME: fake_time_pass(how * NSEC_PER_MSEC * 5); break;
	case TAKE: fake_take_all(*client, NULL, 0); break;
	case CLOSE: fake_close(client); break;
	default: fake_memory_fail(how); break;
	}
}

static void client_unloads(handle_t client, const char *name)
{
	struct msg_apps_stop stop = { .flags = APPS_STOP_UNLOAD };

	str_copy(stop.name, name, sizeof(stop.name));
	fake_say(client, MSG_APPS_STOP, (const uint8_t *)&stop, sizeof(stop), FAKE_NOTHING, 0);
}

static bool unload_all(void)
{
	handle_t client = fake_client_connect(service);

	for (unsigned round = 0; round < 40 && !list_is_empty(&manager_apps); round++) {
		list_for_each(pos, &manager_apps)
			client_unloads(client, container_of(pos, struct app, entry)->name);
		turn();
		fake_take_all(client, NULL, 0);
		for (size_t i = 0; i < MAX_PROCESSES; i++)
			body_ends(&bodies[i], PROCESS_END_EXIT, 0);
		fake_time_pass(2 * NSEC_PER_SEC);
		turn();
	}
	fake_close(&client);
	turn();
	return list_is_empty(&manager_apps);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t handles;

	if (setjmp(fake_exit) != 0)
		abort();
	begin();
	handles = fake_num_handles();
	fake_steps(data, size, NUM_STEPS, step, turn);
	fake_memory_fail(0);
	for (size_t i = 0; i < CLIENTS; i++)
		fake_close(&clients[i]);
	turn();
	if (!unload_all() || num_kept != 0 || fake_num_allocated() != 0 ||
	    fake_num_handles() != handles)
		abort();
	return 0;
}
