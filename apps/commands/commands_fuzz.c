// SPDX-License-Identifier: MIT
//
// The app `commands` between clients that ask anything and read when they like, the ends of their
// streams, a driver of disks, and containers that begin, say and end what they like. What
// libs/linux makes of a command is the real one, down to its container (container_fake.h). At the
// end everybody leaves, and nothing may be left.
#include <stdlib.h>

#include "libs/base/string.h"
#include "libs/linux/api/runtime_internal.h"
#include "libs/linux/pool/warm_vm.h"
#include "libs/linux/run/container_fake.h"
#include "libs/starina/alloc.h"
#include "libs/starina/clients_fake.h"
#include "libs/starina/payload.h"
#include "libs/starina/system_objects_fake.h"

// What the app waits in: the fuzzer turns the loop.
#define loop_run(loop) (void)(loop)
#include "apps/commands/main.c"
#undef loop_run

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NUM_CLIENTS 2u
#define NUM_ENDS 8u

static handle_t service, blkdev, clients[NUM_CLIENTS];
// Ends of commands' streams, and of disks that were opened.
static handle_t ends[NUM_ENDS];
static unsigned num_ends;
static bool disks_refuse;
static uint32_t last_id;

// --- The runtime, whose boot disk was read -------------------------------------------------------

static struct linux_runtime *runtime;
static struct warm_vm warm;
static bool warm_there, has_memory;

static const char image_list[] =
	"{\"images\":[{\"name\":\"builtin\",\"first_sector\":0,\"num_sectors\":8,\"config\":{"
	"\"Entrypoint\":[\"sh\"]}},{\"name\":\"docker.io/library/a:latest\",\"first_sector\":8,"
	"\"num_sectors\":8,\"config\":{\"Cmd\":[\"x\"],\"Env\":[\"A=1\"],\"WorkingDir\":\"/w\"}}]}";

static void runtime_becomes(enum runtime_state next)
{
	struct list *entry;

	if (runtime == NULL || next == runtime->state)
		return;
	runtime->state = next;
	runtime->supply.ready = next == RUNTIME_READY;
	str_copy(runtime->error, "there is no boot disk", sizeof(runtime->error));
	while (next != RUNTIME_LOADING && (entry = list_pop_front(&runtime->waiting)) != NULL) {
		struct runtime_waiter *waiter = container_of(entry, struct runtime_waiter, entry);

		waiter->waits = false;
		waiter->settled(waiter->context);
	}
}

error_t linux_runtime_open(struct loop *loop, const struct environ *env, struct linux_runtime **out)
{
	(void)env;
	runtime = heap_alloc(sizeof(*runtime));
	if (runtime == NULL)
		return ERR_NO_MEMORY;
	list_init(&runtime->waiting);
	runtime->supply.loop = loop;
	runtime->supply.blkdev = blkdev;
	if (image_index_parse(&runtime->images, text_span(image_list)) < 0) {
		heap_free(runtime);
		runtime = NULL;
		return ERR_NO_MEMORY;
	}
	runtime->supply.builtin = image_index_find(&runtime->images, IMAGE_BUILTIN);
	*out = runtime;
	return 0;
}

error_t linux_runtime_keep_warm(struct linux_runtime *of, uint64_t memory, uint32_t cpus,
                                uint32_t count)
{
	(void)of;
	if (memory != COMMAND_MEMORY || cpus != 1 || count > 1)
		abort();
	return 0;
}

void runtime_wait(struct linux_runtime *of, struct runtime_waiter *waiter)
{
	list_push_back(&of->waiting, &waiter->entry);
	waiter->waits = true;
}

void runtime_wait_cancel(struct runtime_waiter *waiter)
{
	if (waiter->waits)
		list_remove(&waiter->entry);
	waiter->waits = false;
}

bool pool_has(struct pool *pool, uint64_t memory, uint32_t cpus)
{
	(void)pool;
	return warm_there && memory == COMMAND_MEMORY && cpus == 1;
}

struct warm_vm *pool_take(struct pool *pool, uint64_t memory, uint32_t cpus)
{
	return pool_has(pool, memory, cpus) ? &warm : NULL;
}

void pool_give_up(struct pool *pool, struct warm_vm *vm)
{
	(void)pool;
	warm_vm_free(vm);
}

void warm_vm_free(struct warm_vm *vm)
{
	if (vm != &warm || !warm_there)
		abort();
	warm_there = false;
}

void pool_refill_soon(struct pool *pool)
{
	(void)pool;
}

void pool_turn_later(struct pool *pool)
{
	(void)pool;
}

struct vm_config vm_supply_config(const struct vm_supply *supply, uint64_t memory, uint32_t cpus)
{
	(void)supply;
	return (struct vm_config){ .memory = memory, .cpus = cpus };
}

bool vm_supply_has_memory(const struct vm_supply *supply, uint64_t memory)
{
	(void)supply;
	(void)memory;
	return has_memory;
}

// --- Those around it -----------------------------------------------------------------------------

static void keep(handle_t end)
{
	handle_t *place = &ends[num_ends++ % NUM_ENDS];

	fake_close(place);
	*place = end;
}

static void disks_serve(void)
{
	for (;;) {
		handle_t session = HANDLE_NONE, end = HANDLE_NONE;
		bool asked = fake_provider_asked(blkdev, &session);

		if (session == HANDLE_NONE)
			return;
		if (asked && disks_refuse)
			(void)!error_send(session, 1, ERR_NOT_FOUND, "there is no such disk");
		else if (asked && fake_provider_opens(session, &end))
			keep(end);
		fake_close(&session);
	}
}

// What a client is told is what it may be told.
static void client_takes(handle_t client)
{
	struct msg_commands_started started;
	struct msg_commands_ended ended;
	const uint8_t *tail;
	struct message m;
	size_t len;

	while (client != HANDLE_NONE && channel_recv(client, &m) == 0) {
		if (message_decode_commands_started(&m, &started, &tail, &len) == 0) {
			if (m.num_handles < 2 || m.num_handles > 3)
				abort();
			for (size_t i = 0; i < m.num_handles; i++)
				keep(m.handles[i]);
		} else if (m.num_handles > 0 ||
		           (m.type != MSG_ERROR &&
		            message_decode_commands_ended(&m, &ended, &tail, &len) != 0)) {
			abort();
		}
	}
}

// The strings of a command; what it is to run is in the input.
static size_t write_words(struct msg_commands_run *run, uint8_t how, const uint8_t *data,
                          size_t len, char out[static 600])
{
	static const char *const images[] = { "", "builtin", "a", "b" };
	static const char args[] = "sh\0-c\0true", env[] = "A=1\0B=2";
	size_t size = str_copy(out, images[how % 4], 16) + 1;

	size += str_copy(out + size, how & 4 ? "/dir" : "", 16) + 1;
	size += str_copy(out + size, how & 8 ? "me:you" : "", 16) + 1;
	if ((how & 16) == 0) {
		run->num_args = 3;
		memcpy(out + size, args, sizeof(args));
		size += sizeof(args);
	}
	if ((how & 32) != 0) {
		run->num_env = 2;
		memcpy(out + size, env, sizeof(env));
		size += sizeof(env);
	}
	if ((how & 128) != 0 && len > 0) {
		memcpy(out + size, data, len);
		size += len;
	}
	return size;
}

static void client_runs(handle_t client, uint8_t how, const uint8_t *data, size_t len)
{
	static const uint64_t memories[] = { 0, COMMAND_MEMORY, 64ull << 20, 1 };
	struct msg_commands_run run = { .id = ++last_id };
	uint8_t odd = len > 0 ? data[0] : 0;
	char words[600];
	struct message m;
	size_t size;

	run.flags = how >> 6 & COMMANDS_TERMINAL;
	run.memory = memories[odd % 4];
	size = write_words(&run, how, data, len, words);
	run.length = (uint32_t)size;
	if (odd >= 240)
		run.length += odd * 100u;
	else if (odd >= 224)
		run.num_args = (uint16_t)(odd * 8u);
	else if (odd >= 208)
		run.id--;
	if (client == HANDLE_NONE || message_encode_commands_run(&m, &run, NULL, 0) != 0 ||
	    payload_copy(words, size, &m.handles[0]) != 0)
		return;
	m.num_handles = 1;
	fake_send(client, &m);
}

static void client_signals(handle_t client, uint8_t how)
{
	struct msg_commands_signal signal = { .id = last_id - how % 4u, .signal = how / 4 };

	fake_say(client, MSG_COMMANDS_SIGNAL, (const uint8_t *)&signal, sizeof(signal),
	         FAKE_NOTHING, 0);
}

static void client_resizes(handle_t client, uint8_t how)
{
	struct msg_commands_resize size = { .id = last_id - how % 4u, .rows = how, .columns = how };

	fake_say(client, MSG_COMMANDS_RESIZE, (const uint8_t *)&size, sizeof(size), FAKE_NOTHING,
	         0);
}

// --- An input ------------------------------------------------------------------------------------

static void turn(void)
{
	do {
		fake_loop_settle(&state.loop);
		disks_serve();
	} while (container_fake_kills());
	fake_loop_settle(&state.loop);
}

static void begin(void)
{
	static struct environ env = { .num_entries = 1,
		                      .entries = { { .kind = ENV_SERVICE, .name = "commands" } } };

	fake_reset();
	container_fake_reset(CONTAINER_FAKE_MAX);
	memset(&state, 0, sizeof(state));
	memset(clients, 0, sizeof(clients));
	memset(ends, 0, sizeof(ends));
	runtime = NULL;
	disks_refuse = warm_there = false;
	has_memory = true;
	num_ends = last_id = 0;
	blkdev = fake_connector_create();
	env.entries[0].handle = service = fake_service_create();
	commands_main(&env);
	turn();
}

enum {
	CONNECT,
	RUN,
	SIGNAL,
	RESIZE,
	SAY,
	TAKE,
	CLOSE,
	END,
	CONTAINER,
	RUNTIME,
	TIME,
	MEMORY,
	NUM_STEPS
};

static void step(unsigned what, uint8_t how, const uint8_t *data, size_t len)
{
	handle_t *client = &clients[how % NUM_CLIENTS];

	switch (what) {
	case CONNECT:
		if (*client == HANDLE_NONE)
			*client = fake_client_connect(service);
		break;
	case RUN: client_runs(clients[len % NUM_CLIENTS], how, data, len); break;
	case SIGNAL: client_signals(*client, how); break;
	case RESIZE: client_resizes(*client, how); break;
	case SAY:
		fake_say(*client, MSG_COMMANDS_RUN + how / 2 % 6, data, len,
		         fake_cargo((how & 64) != 0, (how & 128) != 0), PAGE_SIZE);
		break;
	case TAKE: client_takes(*client); break;
	case CLOSE: fake_close(client); break;
	case END:
		fake_stream_acts(&ends[(num_ends - 1 - how % 4) % NUM_ENDS], how / 4 % 6, how, data,
		                 len);
		break;
	case CONTAINER:
		if (len > 0)
			container_fake_does(how, data[0], data + 1, len - 1);
		break;
	case RUNTIME:
		if (how % 4 == 3)
			disks_refuse = (how & 4) != 0;
		else
			runtime_becomes((enum runtime_state)(how % 4));
		warm_there = (how & 8) != 0;
		has_memory = (how & 48) != 48;
		break;
	case TIME: fake_time_pass((nsec_t)how * NSEC_PER_SEC); break;
	default: fake_memory_fail(how); break;
	}
}

static void finish(void)
{
	fake_memory_fail(0);
	for (size_t i = 0; i < NUM_CLIENTS; i++)
		fake_close(&clients[i]);
	turn();
	for (size_t i = 0; i < NUM_ENDS; i++)
		fake_close(&ends[i]);
	turn();
	fake_time_pass(100 * NSEC_PER_SEC);
	turn();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t handles;

	if (setjmp(fake_exit) != 0)
		abort();
	begin();
	handles = fake_num_handles();
	fake_steps(data, size, NUM_STEPS, step, turn);
	finish();
	if (!list_is_empty(&state.clients) || state.num_jobs != 0 || container_fake_count() != 0)
		abort();
	if (runtime != NULL) {
		if (runtime->num_tasks != 0 || runtime->num_owned != 0)
			abort();
		image_index_deinit(&runtime->images);
		heap_free(runtime);
	}
	if (fake_num_handles() != handles || fake_num_allocated() != 0)
		abort();
	return 0;
}
