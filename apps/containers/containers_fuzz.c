// SPDX-License-Identifier: MIT
//
// The app `containers` between clients of its API, processes with virtual machines, `images`, the
// app manager, the host and servers of files, of which each says anything, fails and dies, and
// deaths of its own. At the end all is removed, and nothing may be left.
#include <stdlib.h>

#include "apps/containers/boot.c"
#include "libs/files/steady_fake.h"
#include "libs/requests/asker_fake.h"
#include "libs/starina/system_objects_fake.h"

// What the app waits in: the fuzzer turns the loop.
#define loop_run(loop) (void)(loop)
#include "apps/containers/main.c"
#undef loop_run

// A request of libs/files is another thing.
#define request files_request
#include "apps/containers/world_fake.h"
#undef request

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NUM_CLIENTS 2u

static struct asker_fake clients[NUM_CLIENTS];
static handle_t service, kept;

static const uint32_t operations[] = {
	CONTAINERS_CREATE,
	CONTAINERS_START,
	CONTAINERS_STOP,
	CONTAINERS_RESTART,
	CONTAINERS_KILL,
	CONTAINERS_WAIT,
	CONTAINERS_REMOVE,
	CONTAINERS_RENAME,
	CONTAINERS_LIST,
	CONTAINERS_INSPECT,
	CONTAINERS_ATTACH,
	CONTAINERS_RESIZE,
	CONTAINERS_INFO,
	CONTAINERS_EXEC_CREATE,
	CONTAINERS_EXEC_START,
	CONTAINERS_EXEC_RESIZE,
	CONTAINERS_EXEC_INSPECT,
	CONTAINERS_TOP,
	CONTAINERS_STATS,
	CONTAINERS_PAUSE,
	CONTAINERS_UNPAUSE,
	CONTAINERS_EVENTS,
	CONTAINERS_LOGS,
	CONTAINERS_VOLUMES,
	CONTAINERS_VOLUME_INSPECT,
	CONTAINERS_VOLUME_CREATE,
	CONTAINERS_VOLUME_REMOVE,
	CONTAINERS_VOLUMES_PRUNE,
	CONTAINERS_ARCHIVE_STAT,
	CONTAINERS_ARCHIVE_GET,
	CONTAINERS_ARCHIVE_PUT,
	CONTAINERS_EXPORT,
	CONTAINERS_UPDATE,
	CONTAINERS_NETWORKS,
	CONTAINERS_NETWORK_INSPECT,
	CONTAINERS_NETWORK_CREATE,
	CONTAINERS_NETWORK_REMOVE,
	CONTAINERS_NETWORK_CONNECT,
	CONTAINERS_NETWORK_DISCONNECT,
	CONTAINERS_NETWORKS_PRUNE,
	CONTAINERS_CHANGES,
	CONTAINERS_COMMIT,
	CONTAINERS_PRUNE,
	CONTAINERS_USAGE,
	99,
};

static const char *const bodies[] = {
	"",
	"{\"Image\":\"a\",\"Cmd\":[\"x\"]}",
	"{\"Image\":\"a\",\"Tty\":true,\"OpenStdin\":true,\"StdinOnce\":true,"
	"\"HostConfig\":{\"AutoRemove\":true}}",
	"{\"Image\":\"a\",\"ExposedPorts\":{\"80/tcp\":{}},\"HostConfig\":{\"RestartPolicy\":"
	"{\"Name\":\"always\"},\"PortBindings\":{\"80/tcp\":[{\"HostPort\":\"80\"}],"
	"\"9/udp\":[{\"HostPort\":\"\"}]}}}",
	"{\"Image\":\"a\",\"Volumes\":{\"/anon\":{}},\"HostConfig\":{\"Binds\":[\"vol:/v\","
	"\"/host:/h:ro\"],\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/s\",\"Target\":\"/t\"}]}}",
	"{\"Image\":\"a\",\"Healthcheck\":{\"Test\":[\"CMD\",\"x\"],\"Interval\":1000000000,"
	"\"Timeout\":1000000000,\"Retries\":1}}",
	"{\"Image\":\"a\",\"HostConfig\":{\"NetworkMode\":\"n\",\"Links\":[\"bb:l\"],\"Memory\":"
	"600000000},\"NetworkingConfig\":{\"EndpointsConfig\":{\"n\":{\"Aliases\":[\"al\"],"
	"\"IPAMConfig\":{\"IPv4Address\":\"10.9.0.9\"}}}}}",
	"{\"AttachStdin\":true,\"AttachStdout\":true,\"Cmd\":[\"x\"]}",
	"{\"AttachStdout\":true,\"Tty\":true,\"Cmd\":[\"x\"],\"Env\":[\"A=b\"],\"User\":\"me\"}",
	"{\"Detach\":true}",
	"{\"Name\":\"n\",\"IPAM\":{\"Config\":[{\"Subnet\":\"10.9.0.0/24\"}]}}",
	"{\"Container\":\"aa\",\"EndpointConfig\":{\"Aliases\":[\"b\"],\"Links\":[\"bb:c\"]}}",
	"{\"Container\":\"aa\",\"Force\":true}",
	"{\"Name\":\"vol\",\"Labels\":{\"a\":\"b\"},\"DriverOpts\":{\"type\":\"none\",\"o\":"
	"\"bind\",\"device\":\"/h\"}}",
	"{\"Memory\":400000000,\"PidsLimit\":7,\"RestartPolicy\":{\"Name\":\"on-failure\"}}",
	"{\"Image\":\"a\",\"HostConfig\":{\"AutoRemove\":true,\"NetworkMode\":\"none\","
	"\"ReadonlyRootfs\":true,\"RestartPolicy\":{\"Name\":\"on-failure\","
	"\"MaximumRetryCount\":2}}}",
};

static const char *const queries[] = {
	"",
	"stream=1&stdin=1&stdout=1&stderr=1&logs=1",
	"condition=removed",
	"condition=next-exit",
	"force=1&v=1",
	"all=1&size=1",
	"signal=KILL",
	"t=1",
	"h=20&w=30",
	"path=/x",
	"follow=1&stdout=1&stderr=1&tail=3&timestamps=1",
	"name=cc",
	"stream=1",
	"container=aa&repo=x&tag=1&pause=1",
	"filters=%7B%22label%22%3A%5B%22a%22%5D%2C%22until%22%3A%5B%221%22%5D%7D",
	"link=1",
	"stream=1&stdin=1&stdout=1&detachKeys=ctrl-a,b",
	"one-shot=1&stream=0",
	"since=0&until=9",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool wants_channel(uint32_t operation)
{
	return operation == CONTAINERS_ATTACH || operation == CONTAINERS_EXEC_START ||
		operation == CONTAINERS_STATS || operation == CONTAINERS_EVENTS ||
		operation == CONTAINERS_LOGS || operation == CONTAINERS_EXPORT ||
		operation == CONTAINERS_CHANGES ||
		(operation >= CONTAINERS_ARCHIVE_STAT && operation <= CONTAINERS_ARCHIVE_PUT);
}

// A request: the operation, what it is about, the query and the body, by their numbers. Behind
// their last ones: the rest of the input's.
static void client_asks(struct asker_fake *client, const uint8_t *data, size_t len)
{
	const char *const targets[] = { "aa", "bb", "", "n", "vol", client->id, "aa/l", "bridge" };
	static const struct asker_words words = { queries, COUNT(queries), bodies, COUNT(bodies) };
	struct asked_fake asked;

	if (len < 5)
		return;
	asked = (struct asked_fake){ .operation = operations[data[0] % COUNT(operations)],
		                     .target = targets[data[1] % COUNT(targets)] };
	asked.has_channel = wants_channel(asked.operation) != (data[4] >= 240);
	asked_fake_read(&asked, &words, data, len);
	world_keep_stream(asker_fake_ask(client, &asked));
}

static void client_connects(struct asker_fake *client)
{
	if (client->channel == HANDLE_NONE)
		client->channel = fake_client_connect(service);
}

// --- The app -------------------------------------------------------------------------------------

error_t system_info(handle_t system, struct system_info *out)
{
	(void)system;
	*out = (struct system_info){ .total_pages = 1u << 20,
		                     .num_harts = 4,
		                     .has_hypervisor = 1,
		                     .hart_features = HART_SSTC,
		                     .timebase_hz = 10000000 };
	return 0;
}

static void turn(void)
{
	do {
		fake_loop_settle(&containers_state.loop);
		world_serve();
	} while (world_files_serve());
	for (size_t i = 0; i < NUM_CLIENTS; i++)
		if (clients[i].channel != HANDLE_NONE)
			asker_fake_take(&clients[i]);
	fake_loop_settle(&containers_state.loop);
}

static void serve_files(void)
{
	(void)world_files_serve();
}

static void environ_fill(struct environ *env)
{
	static const char *const needs[WORLD_SERVICES] = { "apps",   "blkdev",  "host", "names",
		                                           "images", "volumes", "own",  "store" };
	struct env_entry *next = env->entries;

	memset(env, 0, sizeof(*env));
	for (size_t i = 0; i < WORLD_SERVICES; i++, next++) {
		*next = (struct env_entry){ .kind = ENV_CONNECTOR, .handle = world.connectors[i] };
		str_copy(next->name, needs[i], sizeof(next->name));
	}
	*next++ =
		(struct env_entry){ .kind = ENV_SERVICE, .handle = service, .name = "containers" };
	*next++ = (struct env_entry){ .kind = ENV_SERVICE, .handle = world.vmm, .name = "vmm" };
	*next++ =
		(struct env_entry){ .kind = ENV_SERVICE, .handle = world.grants, .name = "grants" };
	*next++ = (struct env_entry){ .kind = ENV_KEPT, .handle = kept, .name = "running" };
	*next++ = (struct env_entry){ .kind = ENV_SYSTEM, .handle = service, .name = "system" };
	*next++ = (struct env_entry){ .kind = ENV_CONFIG, .name = "pool", .value = "1" };
	env->num_entries = (uint32_t)(next - env->entries);
}

// A process of the app begins, on a machine that has just come up, or that was there before.
static void app_begins(bool all)
{
	static struct environ env;
	struct containers *state = &containers_state;
	void *mark;

	fake_reset();
	steady_fake_end();
	memset(state, 0, sizeof(*state));
	memset(clients, 0, sizeof(clients));
	world_begin(all);
	service = fake_service_create();
	if (folio_create(PAGE_SIZE, FOLIO_CONTIGUOUS, &kept) != 0 ||
	    folio_map(kept, PROT_WRITE, &mark) != 0)
		abort();
	*(bool *)mark = !all;
	environ_fill(&env);
	containers_main(&env);
	// What the boot disk has.
	opener_stop(&state->opener);
	fake_take_all(world.connectors[WORLD_BLKDEV], NULL, 0);
	records_known(state);
	images_follow(state);
	if (folio_create(PAGE_SIZE, FOLIO_CONTIGUOUS, &state->app_file) != 0)
		abort();
	state->app_size = PAGE_SIZE;
	vmms_load(state);
	turn();
	client_connects(&clients[0]);
	turn();
}

// --- An input ------------------------------------------------------------------------------------

enum {
	ASK,
	STREAM,
	VMM,
	IMAGES,
	MANAGER,
	GRANT,
	HOST,
	FILES,
	TIME,
	SAY,
	CANCEL,
	CONNECT,
	CLOSE,
	RESTART,
	NUM_STEPS
};

static void step(unsigned what, uint8_t how, const uint8_t *data, size_t len)
{
	struct asker_fake *client = &clients[how % NUM_CLIENTS];

	switch (what) {
	case ASK: client_asks(client, data, len); break;
	case STREAM: world_stream_says(how, data, len); break;
	case VMM: world_vmm_acts(how, data, len); break;
	case IMAGES: world_images_act(how, data, len); break;
	case MANAGER: world_manager_acts(how, data, len); break;
	case GRANT: world_grant_acts(how, data, len, clients[0].id); break;
	case HOST: world_host_acts(how, data, len); break;
	case FILES: world_files_act(how); break;
	case TIME: fake_time_pass((nsec_t)how * how * 10 * NSEC_PER_MSEC); break;
	case SAY:
		fake_say(client->channel, MSG_CONTAINERS_REQUEST + how / 2 % 4, data, len,
		         fake_cargo((how & 64) != 0, (how & 128) != 0), PAGE_SIZE);
		break;
	case CANCEL: asker_fake_cancel(client, how / 2 % 8); break;
	case CONNECT: client_connects(client); break;
	case CLOSE: fake_close(&client->channel); break;
	default:
		if (how % 4 == 0)
			app_begins(false);
		break;
	}
}

// Removes all containers, as a client may.
static void remove_all(void)
{
	struct asked_fake asked = { .operation = CONTAINERS_REMOVE,
		                    .query = text_span("force=1&v=1") };

	list_for_each(entry, &containers_state.containers) {
		asked.target = container_of(entry, struct container, entry)->id_text;
		(void)asker_fake_ask(&clients[0], &asked);
	}
}

static void prune(uint32_t operation, const char *query)
{
	struct asked_fake asked = { .operation = operation,
		                    .target = "",
		                    .query = text_span(query) };

	(void)asker_fake_ask(&clients[0], &asked);
	turn();
}

// Everybody leaves, and what there is goes.
static void finish(void)
{
	for (size_t i = 0; i < NUM_CLIENTS; i++)
		fake_close(&clients[i].channel);
	for (size_t i = 0; i < WORLD_FILES; i++) {
		world.files[i].fails = 0;
		world.files[i].capacity = UINT64_MAX;
	}
	world_leave();
	world.manager_refuses = world.host_refuses = world.disks_refuse = false;
	turn();
	client_connects(&clients[0]);
	for (unsigned round = 0; round < 20 && !list_is_empty(&containers_state.containers);
	     round++) {
		remove_all();
		turn();
		for (size_t i = 0; i < WORLD_PROCESSES; i++)
			fake_close(&world.processes[i].link);
		fake_time_pass(20 * NSEC_PER_SEC);
		turn();
	}
	prune(CONTAINERS_NETWORKS_PRUNE, "");
	prune(CONTAINERS_VOLUMES_PRUNE, "filters=%7B%22all%22%3A%5B%221%22%5D%7D");
	world_leave();
	fake_close(&clients[0].channel);
	for (unsigned round = 0; round < 3; round++) {
		fake_time_pass(200 * NSEC_PER_SEC);
		turn();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct containers *state = &containers_state;

	if (setjmp(fake_exit) != 0)
		abort();
	fake_while_waiting = serve_files;
	fake_random_counts = true;
	app_begins(true);
	fake_steps(data, size, NUM_STEPS, step, turn);
	finish();
	if (!list_is_empty(&state->containers) || !list_is_empty(&state->creations) ||
	    !list_is_empty(&state->stats_readers) || !list_is_empty(&state->vmm_guests) ||
	    !list_is_empty(&state->grants) || state->num_commits != 0)
		abort();
	world_leave();
	return 0;
}
