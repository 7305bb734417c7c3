// SPDX-License-Identifier: MIT
#include "apps/containers/world_fake.h"

#include <stdlib.h>

#include "libs/abi/apps.h"
#include "libs/abi/containers.h"
#include "libs/abi/host.h"
#include "libs/abi/images.h"
#include "libs/abi/networks.h"
#include "libs/base/fmt.h"
#include "libs/base/hex.h"
#include "libs/starina/payload.h"
#include "libs/starina/service.h"
#include "libs/starina/system_objects_fake.h"

struct world world;

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"

static const char image_list[] =
	"{\"images\":[{\"name\":\"system\",\"id\":\"sha256:" DIGEST "0\",\"first_sector\":0,"
	"\"num_sectors\":8,\"config\":{}},{\"name\":\"docker.io/library/a:latest\",\"id\":"
	"\"sha256:" DIGEST
	"1\",\"num_sectors\":8,\"file\":\"a.img\",\"config\":{\"Cmd\":[\"x\"],\"Env\":[\"A=1\"],"
	"\"Volumes\":[\"/data\"],\"ExposedPorts\":[\"80/tcp\"],\"Labels\":{\"x\":\"y\"},"
	"\"Healthcheck\":{\"Test\":[\"CMD\",\"x\"],\"Interval\":1000000000},"
	"\"StopSignal\":\"SIGINT\"}}]}";

// --- Channels ------------------------------------------------------------------------------------

void world_keep_stream(handle_t channel)
{
	handle_t *place = &world.streams[world.num_streams % WORLD_STREAMS];

	if (channel == HANDLE_NONE)
		return;
	fake_close(place);
	*place = channel;
	world.num_streams++;
}

void world_keep_handles(const struct message *m)
{
	for (size_t i = 0; i < m->num_handles; i++) {
		if (fake_slot_of(m->handles[i])->object->kind == CHANNEL)
			world_keep_stream(m->handles[i]);
		else
			(void)!handle_close(m->handles[i]);
	}
}

static handle_t make_stream(void)
{
	handle_t ends[2];

	if (channel_create(ends) != 0)
		return HANDLE_NONE;
	world_keep_stream(ends[0]);
	return ends[1];
}

void world_stream_says(uint8_t how, const uint8_t *data, size_t len)
{
	// A line of an answer about files, and frames of an archive and of an output.
	static const char *const words[] = { "e30=\n", "{\"a\":1}\n", "0\n",
		                             "\0\0\0\5hello\0\0\0\0",
		                             "\1\0\0\0\0\0\0\5hello\2\0\0\0\0\0\0\1x" };
	static const size_t lengths[] = { 5, 8, 2, 13, 22 };
	handle_t *end = &world.streams[(world.num_streams - 1 - how % 4) % WORLD_STREAMS];

	if (how / 4 % 8 == 4)
		fake_send_bytes(*end, words[how / 32 % 5], lengths[how / 32 % 5]);
	else
		fake_stream_acts(end, how / 4 % 8, how, data, len);
}

void world_send_with(handle_t to, struct message *m, const void *bytes, size_t len)
{
	if (to == HANDLE_NONE || payload_copy(bytes, len, &m->handles[0]) != 0) {
		message_discard(m);
		return;
	}
	if (m->num_handles == 0)
		m->num_handles = 1;
	fake_send(to, m);
}

// --- The app manager -----------------------------------------------------------------------------

static void answer_manager(uint32_t id, const char *app)
{
	struct msg_apps_result result = { .id = id,
		                          .error = world.manager_refuses ? ERR_NO_MEMORY : 0 };
	struct message m;

	str_copy(result.name, app, sizeof(result.name));
	if (message_encode_apps_result(&m, &result, "no", 2) != 0)
		abort();
	fake_send(world.apps, &m);
}

// The token of a process is what its channel will say.
static void process_starts(const struct msg_apps_start *start, const uint8_t *config, size_t len)
{
	struct world_process *process = &world.processes[world.num_processes % WORLD_PROCESSES];
	char text[MESSAGE_MAX_DATA + 1];

	memcpy(text, config, len);
	text[len] = '\0';
	if (strncmp(text, "token=", 6) != 0)
		abort();
	text[6 + 2 * VMM_TOKEN_SIZE] = '\0';
	fake_close(&process->link);
	fake_close(&process->grant);
	*process = (struct world_process){ .used = !world.manager_refuses };
	if (!hex_read(text + 6, process->token, sizeof(process->token)))
		abort();
	fmt_write(process->app, sizeof(process->app), "vmm.%u", ++world.num_processes);
	answer_manager(start->id, process->app);
}

static void manager_serves(void)
{
	struct msg_apps_start start;
	struct msg_apps_stop stop;
	const uint8_t *tail;
	struct message m;
	size_t len;

	if (world.apps == HANDLE_NONE)
		world.apps = fake_provider_accept(world.connectors[WORLD_APPS]);
	while (world.apps != HANDLE_NONE && channel_recv(world.apps, &m) == 0) {
		if (message_decode_apps_start(&m, &start, &tail, &len) == 0)
			process_starts(&start, tail, len);
		else if (message_decode_apps_stop(&m, &stop, &tail, &len) == 0)
			answer_manager(stop.id, "");
		else
			message_discard(&m);
	}
}

void world_manager_acts(uint8_t how, const uint8_t *data, size_t len)
{
	struct msg_apps_event event = { .state = APPS_LOADED };
	struct message m;

	switch (how % 4) {
	case 0: world.manager_refuses = (how & 4) != 0; break;
	case 1: fake_close(&world.apps); break;
	case 2:
		str_copy(event.name, world.processes[how / 4 % WORLD_PROCESSES].app,
		         sizeof(event.name));
		if (message_encode_apps_event(&m, &event, NULL, 0) == 0)
			fake_send(world.apps, &m);
		break;
	default:
		fake_say(world.apps, MSG_APPS_LOAD + how / 4 % 8, data, len, FAKE_NOTHING, 0);
		break;
	}
}

// --- Disks ---------------------------------------------------------------------------------------

// Sessions of disks that the app opens for processes.
static void disks_serve(void)
{
	static handle_t end;
	handle_t *disk = &world.disks[0];

	if (*disk == HANDLE_NONE)
		*disk = fake_provider_accept(world.connectors[WORLD_BLKDEV]);
	if (!fake_provider_asked(world.connectors[WORLD_BLKDEV], disk))
		return;
	end = HANDLE_NONE;
	if (world.disks_refuse)
		(void)!error_send(*disk, 1, ERR_NOT_FOUND, "there is no such disk");
	else if (fake_provider_opens(*disk, &end))
		world_keep_stream(end);
	fake_close(disk);
}

// --- `images` ------------------------------------------------------------------------------------

static void images_serve(void)
{
	struct msg_containers_request request;
	const uint8_t *tail;
	struct message m;
	size_t len;

	if (world.images == HANDLE_NONE) {
		world.images = fake_provider_accept(world.connectors[WORLD_IMAGES]);
		if (world.images != HANDLE_NONE)
			world_images_act(0, NULL, 0);
	}
	while (world.images != HANDLE_NONE && channel_recv(world.images, &m) == 0) {
		if (message_decode_containers_request(&m, &request, &tail, &len) == 0)
			world.commit = request.id;
		world_keep_handles(&m);
	}
}

static void images_run(uint8_t how)
{
	struct msg_images_run run = { .id = 1 + how % 2, .length = 5, .sees_layers = how / 2 % 2 };
	struct message m;

	if (message_encode_images_run(&m, &run, "job", 3) != 0)
		abort();
	m.handles[1] = make_stream();
	m.num_handles = 2;
	if (m.handles[1] == HANDLE_NONE || payload_copy("pull", 5, &m.handles[0]) != 0)
		return;
	fake_send(world.images, &m);
}

static void images_export(uint8_t how)
{
	struct msg_images_export export = { .id = 8 + how % 2 };
	static const char id[] = "sha256:" DIGEST "1";
	struct message m;

	if (message_encode_images_export(&m, &export, id, sizeof(id) - 1) != 0)
		abort();
	m.handles[0] = make_stream();
	m.num_handles = 1;
	if (m.handles[0] != HANDLE_NONE)
		fake_send(world.images, &m);
}

void world_images_act(uint8_t how, const uint8_t *data, size_t len)
{
	struct msg_images_list list = { .length = sizeof(image_list) - 1 };
	struct msg_containers_reply reply = { .id = world.commit, .status = how / 16 % 4 * 100 };
	struct msg_images_event event = { .length = 8 };
	static const uint32_t ids[] = { 1, 2, 8, 9 };
	struct message m;

	switch (how % 10) {
	case 0:
		if (message_encode_images_list(&m, &list, NULL, 0) == 0)
			world_send_with(world.images, &m, image_list, sizeof(image_list) - 1);
		break;
	case 1:
		list.length = (uint32_t)len;
		if (message_encode_images_list(&m, &list, NULL, 0) == 0)
			world_send_with(world.images, &m, data, len);
		break;
	case 2:
	case 3: images_run(how / 16); break;
	case 4: images_export(how / 16); break;
	case 5:
		fake_say(world.images, MSG_IMAGES_STOP, (const uint8_t *)&ids[how / 16 % 4], 4,
		         FAKE_NOTHING, 0);
		break;
	case 6:
		if (message_encode_images_event(&m, &event, NULL, 0) == 0)
			world_send_with(world.images, &m, "tag\0i\0n", 8);
		break;
	case 7:
		reply.length = (uint32_t)len;
		if (message_encode_containers_reply(&m, &reply, data, len < 200 ? len : 200) == 0)
			fake_send(world.images, &m);
		break;
	case 8: fake_close(&world.images); break;
	default:
		fake_say(world.images, 145 + how / 16 % 13, data, len,
		         fake_cargo((how & 16) != 0, (how & 32) != 0), PAGE_SIZE);
		break;
	}
}

// --- The host, and the server of names -----------------------------------------------------------

static void host_serves(void)
{
	struct msg_host_result result = { .error = world.host_refuses ? ERR_EXISTS : 0,
		                          .value = 7 };
	struct message m;

	if (world.host == HANDLE_NONE)
		world.host = fake_provider_accept(world.connectors[WORLD_HOST]);
	while (world.host != HANDLE_NONE && channel_recv(world.host, &m) == 0) {
		bool asks = m.type == MSG_HOST_PUBLISH || m.type == MSG_HOST_BIND;

		memcpy(&result.id, m.data, sizeof(result.id));
		message_discard(&m);
		if (asks && message_encode_host_result(&m, &result, "why", 3) == 0)
			fake_send(world.host, &m);
	}
	if (world.names == HANDLE_NONE)
		world.names = fake_provider_accept(world.connectors[WORLD_NAMES]);
	fake_take_all(world.names, NULL, 0);
}

void world_host_acts(uint8_t how, const uint8_t *data, size_t len)
{
	static const struct msg_host_stop stop = { .kind = HOST_STOP_NOW };

	switch (how % 8) {
	case 0: world.host_refuses = (how & 8) != 0; break;
	case 1: fake_close(&world.host); break;
	case 2:
		if (how / 8 % 4 == 3)
			fake_say(world.host, MSG_HOST_STOP, (const uint8_t *)&stop, sizeof(stop),
			         FAKE_NOTHING, 0);
		break;
	case 3: fake_close(&world.names); break;
	case 4: world.disks_refuse = (how & 8) != 0; break;
	default:
		fake_say(how % 8 == 5 ? world.names : world.host, MSG_HOST_PUBLISH + how / 8 % 5,
		         data, len, fake_cargo((how & 64) != 0, (how & 128) != 0), PAGE_SIZE);
		break;
	}
}

// --- Files ---------------------------------------------------------------------------------------

static bool has_gone(handle_t end)
{
	return end != HANDLE_NONE && fake_object_of(end, CHANNEL)->peer == NULL;
}

bool world_files_serve(void)
{
	bool served = false;

	for (size_t i = 0; i < WORLD_FILES; i++) {
		struct provider_fake *files = &world.files[i];

		served = provider_fake_serve(files) || served;
		if (has_gone(files->session) ||
		    (files->session == HANDLE_NONE && has_gone(files->client)))
			provider_fake_die(files);
	}
	return served;
}

void world_files_act(uint8_t how)
{
	struct provider_fake *files = &world.files[how % WORLD_FILES];

	if (how >= 192)
		provider_fake_die(files);
	else if (how >= 128)
		files->capacity = how % 2 == 0 ? UINT64_MAX : 100;
	else
		files->fails = how < 64 ? 0 : how % 40;
}

// --- All -----------------------------------------------------------------------------------------

void world_serve(void)
{
	manager_serves();
	for (size_t i = 0; i < WORLD_PROCESSES; i++) {
		world_vmm_takes(&world.processes[i]);
		if (world.processes[i].grant != HANDLE_NONE)
			fake_take_all(world.processes[i].grant, NULL, 0);
	}
	images_serve();
	host_serves();
	disks_serve();
}

void world_leave(void)
{
	for (size_t i = 0; i < WORLD_PROCESSES; i++) {
		fake_close(&world.processes[i].link);
		fake_close(&world.processes[i].grant);
	}
	for (size_t i = 0; i < WORLD_STREAMS; i++)
		fake_close(&world.streams[i]);
	for (size_t i = 0; i < WORLD_FILES; i++)
		provider_fake_die(&world.files[i]);
	fake_close(&world.apps);
	fake_close(&world.host);
	fake_close(&world.names);
	fake_close(&world.images);
	fake_close(&world.disks[0]);
}

// The last system is gone, with all that they had in it.
static void forget_handles(void)
{
	world.apps = world.host = world.names = world.images = HANDLE_NONE;
	memset(world.disks, 0, sizeof(world.disks));
	memset(world.streams, 0, sizeof(world.streams));
	for (size_t i = 0; i < WORLD_PROCESSES; i++)
		world.processes[i].link = world.processes[i].grant = HANDLE_NONE;
	for (size_t i = 0; i < WORLD_FILES; i++)
		world.files[i].client = world.files[i].session = HANDLE_NONE;
}

void world_begin(bool all)
{
	static const enum world_service servers[WORLD_FILES] = { WORLD_OWN,    WORLD_VOLUMES,
		                                                 WORLD_STORE,  WORLD_STORE,
		                                                 WORLD_STORE,  WORLD_STORE,
		                                                 WORLD_VOLUMES };

	forget_handles();
	for (size_t i = 0; i < WORLD_SERVICES; i++)
		world.connectors[i] = fake_connector_create();
	for (size_t i = 0; i < WORLD_FILES; i++) {
		handle_t connector = world.connectors[servers[i]];

		if (all) {
			provider_fake_deinit(&world.files[i]);
			provider_fake_init(&world.files[i], connector);
			world.files[i].hostile = true;
		}
		world.files[i].connector = connector;
	}
	if (all) {
		memset(world.processes, 0, sizeof(world.processes));
		world.num_processes = 0;
		world.manager_refuses = world.host_refuses = world.disks_refuse = false;
	}
	world.vmm = fake_service_create();
	world.grants = fake_service_create();
	world.num_streams = 0;
	world.commit = 0;
}
