// SPDX-License-Identifier: MIT
//
// The app `images` between clients of its API, `containers` and the system's container, which say
// anything, and a state disk that fails, is full and dies; and deaths of its own. At the end
// everybody leaves, and no job, removal or archive may be left, no handle and no memory.
#include <stdlib.h>

#include "libs/files/steady_fake.h"
#include "libs/requests/asker_fake.h"
#include "libs/starina/system_objects_fake.h"

// What the app waits in: the fuzzer turns the loop.
#define loop_run(loop) (void)(loop)
#include "apps/images/main.c"
#undef loop_run
#include "apps/images/save.c"

// A request of libs/files is another thing.
#define request files_request
#include "apps/images/follower_fake.h"
#undef request

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NUM_CLIENTS 2u
#define NUM_STREAMS 6u
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct asker_fake clients[NUM_CLIENTS];
static struct follower_fake follower;
static struct provider_fake files;
static handle_t service, streams[NUM_STREAMS];
static unsigned num_streams;
static size_t idle_handles;

// 62 digits of a digest.
#define ZEROS "00000000000000000000000000000000000000000000000000000000000000"

static const char host_images[] =
	"{\"images\":[{\"name\":\"system\",\"id\":\"sha256:" ZEROS "ff\",\"first_sector\":0,"
	"\"num_sectors\":8,\"config\":{}},{\"name\":\"docker.io/library/h:latest\",\"id\":"
	"\"sha256:" ZEROS "fe\","
	"\"first_sector\":8,\"num_sectors\":8,\"config\":{\"Cmd\":[\"x\"]}}]}";

static const char *const queries[] = {
	"",
	"fromImage=a&tag=1",
	"fromImage=a",
	"fromImage=a&tag=1&platform=linux%2Friscv64",
	("fromImage=a%40sha256%3A" ZEROS "01"),
	"fromImage=reg%3A5000%2Fx%2Fa&tag=2",
	"fromSrc=-&repo=c&tag=1&changes=CMD%20x&message=m",
	"fromSrc=http%3A%2F%2Fh%2Fx&repo=c",
	"repo=a&tag=2",
	"repo=c&tag=1",
	"names=a%3A1&names=c%3A1&names=h",
	"names=a",
	"force=1",
	"noprune=1",
	"filters=%7B%22dangling%22%3A%5B%22false%22%5D%7D",
	"filters=%7B%22label%22%3A%5B%22a%3Db%22%5D%2C%22until%22%3A%5B%2210m%22%5D%7D",
	"filters=%7B%22reference%22%3A%5B%22a*%22%5D%7D&all=1&digests=1",
	"quiet=1",
	"comment=x&author=y&changes=ENV%20A%3D1&repo=k&tag=1",
};

static const char *const bodies[] = {
	"",
	"e30=",
	"eyJ1c2VybmFtZSI6InUiLCJwYXNzd29yZCI6InAifQ==",
	"{\"username\":\"u\",\"password\":\"p\",\"serveraddress\":\"https://h:5000/v2/\"}",
	"{\"identitytoken\":\"t\"}",
	("{\"parent\":\"sha256:" ZEROS "00\",\"created_by\":\"x\",\"container\":{\"Cmd\":[\"y\"]},"
	 "\"config\":{\"Env\":[\"B=1\"]}}"),
};

static bool wants_channel(uint32_t operation)
{
	return (operation >= IMAGES_CREATE && operation <= IMAGES_SAVE_ALL) ||
		operation == IMAGES_COMMIT;
}

static void keep_stream(handle_t channel)
{
	handle_t *place = &streams[num_streams % NUM_STREAMS];

	if (channel == HANDLE_NONE)
		return;
	fake_close(place);
	*place = channel;
	num_streams++;
}

// A request: the operation, what it is about, the query and the body, by their numbers, and what is
// wrong with it. Behind their last ones: the rest of the input's.
static void client_asks(struct asker_fake *client, const uint8_t *data, size_t len)
{
	const char *const targets[] = { "a:1",    "a",   "c:1", "h",   "sha256:0000",
		                        "system", "k:1", "",    "a:2", ("sha256:" ZEROS "02") };
	static const struct asker_words words = { queries, COUNT(queries), bodies, COUNT(bodies) };
	struct asked_fake asked;

	if (len < 5)
		return;
	asked = (struct asked_fake){ .operation = IMAGES_FIRST + data[0] % 14u,
		                     .target = targets[data[1] % COUNT(targets)] };
	asked.has_channel = wants_channel(asked.operation) != (data[4] >= 240);
	asked_fake_read(&asked, &words, data, len);
	keep_stream(asker_fake_ask(client, &asked));
}

// --- The app -------------------------------------------------------------------------------------

// In place of boot.c: the boot disk has been read.
void boot_start(struct images *images)
{
	if (catalog_add_host(images, text_span(host_images)) != 0)
		abort();
	images->knows_host = true;
	images_begin(images);
}

static bool has_gone(handle_t end)
{
	return end != HANDLE_NONE && fake_object_of(end, CHANNEL)->peer == NULL;
}

static bool files_serve(void)
{
	bool served = provider_fake_serve(&files);

	if (has_gone(files.session) || (files.session == HANDLE_NONE && has_gone(files.client)))
		provider_fake_die(&files);
	return served;
}

static void serve_files(void)
{
	(void)files_serve();
}

// An archive that is not whole waits for somebody.
static void check_saves(void)
{
	list_for_each(entry, &images_state.saves) {
		const struct save *save = container_of(entry, struct save, entry);

		if (!save->ended && save->number == 0 && !save->out.wants_writable)
			abort();
	}
}

static void turn(void)
{
	bool more;

	do {
		fake_loop_settle(&images_state.loop);
		more = follower_fake_take(&follower);
		more = files_serve() || more;
	} while (more);
	for (size_t i = 0; i < NUM_CLIENTS; i++)
		if (clients[i].channel != HANDLE_NONE)
			asker_fake_take(&clients[i]);
	fake_loop_settle(&images_state.loop);
	check_saves();
}

// The app has nothing open that it opens again when it needs it.
static void close_store(void)
{
	store_close();
	provider_fake_die(&files);
}

// A process of the app begins; what is on the disk stays, unless `all` is to be new.
static void app_begins(bool all)
{
	static struct environ env = {
		.num_entries = 2,
		.entries = { { .kind = ENV_CONNECTOR, .name = "store" },
		             { .kind = ENV_SERVICE, .name = "images" } },
	};

	fake_reset();
	steady_fake_end();
	memset(&images_state, 0, sizeof(images_state));
	memset(clients, 0, sizeof(clients));
	memset(streams, 0, sizeof(streams));
	memset(&follower, 0, sizeof(follower));
	files.client = files.session = HANDLE_NONE;
	env.entries[0].handle = fake_connector_create();
	env.entries[1].handle = service = fake_service_create();
	if (all) {
		provider_fake_deinit(&files);
		provider_fake_init(&files, env.entries[0].handle);
		files.hostile = true;
	}
	files.connector = env.entries[0].handle;
	images_main(&env);
	turn();
	close_store();
	idle_handles = fake_num_handles();
	follower_fake_connect(&follower, service);
	clients[0].channel = fake_client_connect(service);
	turn();
}

// --- An input ------------------------------------------------------------------------------------

enum {
	ASK,
	STREAM,
	CONTAINER,
	FOLLOW,
	FILES,
	TIME,
	SAY,
	CANCEL,
	CONNECT,
	CLOSE,
	MEMORY,
	RESTART,
	NUM_STEPS
};

static void stream_says(uint8_t how, const uint8_t *data, size_t len)
{
	fake_stream_acts(&streams[(num_streams - 1 - how % 3) % NUM_STREAMS], how / 4 % 6, how,
	                 data, len);
}

static void files_act(uint8_t how)
{
	if (how >= 192)
		provider_fake_die(&files);
	else if (how >= 128)
		files.capacity = how % 2 == 0 ? UINT64_MAX : 100;
	else
		files.fails = how < 64 ? 0 : how % 40;
}

static void step(unsigned what, uint8_t how, const uint8_t *data, size_t len)
{
	struct asker_fake *client = &clients[how % NUM_CLIENTS];

	switch (what) {
	case ASK: client_asks(client, data, len); break;
	case STREAM: stream_says(how, data, len); break;
	case CONTAINER: follower_fake_acts(&follower, &files, how, data, len); break;
	case FOLLOW: follower_fake_connect(&follower, service); break;
	case FILES: files_act(how); break;
	case TIME: fake_time_pass((nsec_t)how * how * 10 * NSEC_PER_MSEC); break;
	case SAY:
		fake_say(client->channel, MSG_CONTAINERS_REQUEST + how / 2 % 16, data, len,
		         fake_cargo((how & 64) != 0, (how & 128) != 0), PAGE_SIZE);
		break;
	case CANCEL: asker_fake_cancel(client, how / 2 % 8); break;
	case CONNECT:
		if (client->channel == HANDLE_NONE)
			client->channel = fake_client_connect(service);
		break;
	case CLOSE: fake_close(&client->channel); break;
	case MEMORY:
		follower.memory_fails = true;
		fake_memory_fail(how);
		break;
	default:
		if (how % 8 == 0)
			app_begins(false);
		break;
	}
}

static void everybody_leaves(void)
{
	for (size_t i = 0; i < NUM_CLIENTS; i++)
		fake_close(&clients[i].channel);
	for (size_t i = 0; i < NUM_STREAMS; i++)
		fake_close(&streams[i]);
	follower_fake_leave(&follower);
	turn();
}

static void check_nothing_runs(void)
{
	const struct images *state = &images_state;

	if (!list_is_empty(&state->jobs) || !list_is_empty(&state->saves) ||
	    state->num_saves != 0 || state->brought.there != 0 || state->brought.running != 0 ||
	    state->logins.there != 0 || state->logins.running != 0 || state->follower != NULL)
		abort();
}

// What there is goes.
static void forget_images(void)
{
	struct images *state = &images_state;

	while (!list_is_empty(&state->images))
		catalog_forget(state, container_of(state->images.next, struct image_entry, entry));
	while (!list_is_empty(&state->references))
		catalog_unrefer(state,
		                container_of(state->references.next, struct reference, entry));
	(void)layers_drop(state, 0);
	string_list_deinit(&state->sweeps);
}

static void finish(void)
{
	fake_memory_fail(0);
	files.fails = 0;
	files.capacity = UINT64_MAX;
	everybody_leaves();
	check_nothing_runs();
	// What was asked to be removed is removed once `containers` has said that it may.
	memset(&follower, 0, sizeof(follower));
	follower_fake_connect(&follower, service);
	turn();
	if (!list_is_empty(&images_state.removals))
		abort();
	everybody_leaves();
	check_nothing_runs();
	for (unsigned i = 0; i < 300 && images_state.sweeps.count > 0; i++) {
		fake_time_pass(10 * NSEC_PER_SEC);
		turn();
	}
	if (images_state.sweeps.count > 0)
		abort();
	forget_images();
	close_store();
	turn();
	if (fake_num_handles() != idle_handles || fake_num_allocated() != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (setjmp(fake_exit) != 0)
		abort();
	fake_while_waiting = serve_files;
	fake_random_counts = true;
	app_begins(true);
	fake_steps(data, size, NUM_STEPS, step, turn);
	finish();
	return 0;
}
