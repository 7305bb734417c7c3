// SPDX-License-Identifier: MIT
//
// The app `vmm` between `containers`, which orders anything, dies and comes back, clients of
// streams, servers of disks and logs, and a guest. At the end the container has ended and its
// clients have gone, and nothing of them may be left.
#include <stdlib.h>

#include "apps/vmm/guest_container_fake.h"
#include "libs/abi/networks.h"
#include "libs/linux/vm/bootd_protocol.h"
#include "libs/starina/clients_fake.h"

// What the app waits in: the fuzzer turns the loop.
#define loop_run(loop) (void)(loop)
#include "apps/vmm/main.c"
#undef loop_run

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NUM_ENDS 6u
#define TOKEN "000102030405060708090a0b0c0d0e0f"

// `containers`, and what it provides.
static handle_t vmm_service, grants, containers;
// Other ends of clients' channels, and of disks.
static handle_t ends[NUM_ENDS];
static uint32_t num_ends;
static bool refuses, is_asked_to_end, may_exit;

static void keep(handle_t channel)
{
	handle_t *place = &ends[num_ends++ % NUM_ENDS];

	fake_close(place);
	*place = channel;
}

// --- The runtime ---------------------------------------------------------------------------------

error_t linux_runtime_open(struct loop *loop, const struct environ *env, struct linux_runtime **out)
{
	static struct linux_runtime runtime;

	(void)loop;
	(void)env;
	runtime = (struct linux_runtime){ 0 };
	*out = &runtime;
	return 0;
}

// Orders may come meanwhile.
error_t linux_runtime_wait_warm(struct linux_runtime *runtime, nsec_t deadline)
{
	(void)runtime;
	(void)deadline;
	fake_loop_settle(&vmm_state.loop);
	return 0;
}

// --- What it asks for ----------------------------------------------------------------------------

static void grants_serve(void)
{
	handle_t session = HANDLE_NONE, end;

	for (;;) {
		if (!fake_provider_asked(grants, &session)) {
			fake_close(&session);
			return;
		}
		end = HANDLE_NONE;
		if (refuses)
			(void)!error_send(session, 1, ERR_ACCESS, "it is not the container's");
		else if (fake_provider_opens(session, &end))
			keep(end);
		fake_close(&session);
	}
}

static void containers_serve(void)
{
	struct message m;
	handle_t handle;

	if (containers == HANDLE_NONE)
		containers = fake_provider_accept(vmm_service);
	while (fake_take(containers, &m, &handle)) {
		struct msg_vmm_state state;
		const uint8_t *tail;
		size_t len;

		fake_close(&handle);
		if (m.type < MSG_VMM_HELLO || m.type > MSG_VMM_LOGGED)
			abort();
		if (message_decode_vmm_state(&m, &state, &tail, &len) == 0 &&
		    state.state > VMM_ENDED)
			abort();
	}
}

// --- `containers` --------------------------------------------------------------------------------

// A message with a folio, and a channel, as far as they are wanted.
static void order(struct message *m, const void *bytes, size_t len, bool has_channel)
{
	handle_t pair[2];

	if (len > 0) {
		if (payload_copy(bytes, len, &m->handles[0]) != 0)
			return;
		m->num_handles = 1;
	}
	if (has_channel && channel_create(pair) == 0) {
		m->handles[m->num_handles++] = pair[1];
		keep(pair[0]);
	}
	fake_send(containers, m);
}

static void orders_start(uint8_t how)
{
	static const char config[] = "{\"process\":{}}";
	struct msg_vmm_start start = { .flags = how % 64, .config_length = sizeof(config) };
	struct message m;

	if (how >= 192)
		start.config_length = how * 100u;
	start.container[0] = how;
	if (message_encode_vmm_start(&m, &start, "images/a", how % 2 * 8) == 0)
		order(&m, config, sizeof(config), false);
}

static void orders_attach(uint8_t how)
{
	struct msg_vmm_attach attach = { .flags = how % 8,
		                         .keys = { how / 8 % 4, { 16, 17, 18 } } };
	struct message m;

	if (message_encode_vmm_attach(&m, &attach, NULL, 0) == 0)
		order(&m, NULL, 0, true);
}

static void orders_exec(uint8_t how, const uint8_t *data, size_t len)
{
	struct msg_vmm_exec exec = { .process = how % 8,
		                     .flags = len > 1 ? (data[0] + data[1] * 256u) & 0x1f01 : 0,
		                     .config_length = 3,
		                     .keys = { how / 64, { 16, 17, 18 } } };
	struct message m;

	if (message_encode_vmm_exec(&m, &exec, NULL, 0) == 0)
		order(&m, "{}", 3, (how & 8) == 0);
}

static void asks(uint8_t how, const uint8_t *data, size_t len)
{
	struct msg_vmm_query query = { .id = how, .what = how % 7, .value = how / 8 % 2 };
	struct control_limits limits = { .memory = how * 10000000ull, .cpu_period = 1000 };
	struct message m;
	bool is_limit = query.what == VMM_QUERY_LIMIT && how % 16 != 4;

	if (message_encode_vmm_query(&m, &query, is_limit ? (const void *)&limits : data,
	                             is_limit ? sizeof(limits) : len % 100) == 0)
		fake_send(containers, &m);
}

static void orders_log(uint8_t how)
{
	struct msg_vmm_log log = { .max_bytes = how % 4 * 100u,
		                   .max_files = how / 4 % 4,
		                   .flags = how / 16 % 4 };
	struct message m;

	if (message_encode_vmm_log(&m, &log, NULL, 0) == 0)
		fake_send(containers, &m);
}

static void orders_share(uint8_t how)
{
	static const char *const names[] = { "vol", "", "../x", "a/b" };
	struct msg_vmm_share share = { .flags = how % 8, .number = how };
	const char *name = names[how / 8 % 4];
	struct message m;

	if (message_encode_vmm_share(&m, &share, name, strlen(name)) == 0)
		fake_send(containers, &m);
}

// A number or two: signals, sizes.
static void orders_numbers(uint8_t how)
{
	uint32_t numbers[2] = { how % 8, how / 8 };

	fake_say(containers, how % 2 == 0 ? MSG_VMM_SIGNAL : MSG_VMM_RESIZE,
	         (const uint8_t *)numbers, 8, FAKE_NOTHING, 0);
}

static void containers_orders(uint8_t how, const uint8_t *data, size_t len)
{
	uint8_t more = len > 0 ? data[0] : 0;

	switch (how % 12) {
	case 0: orders_start(more); break;
	case 1: orders_attach(more); break;
	case 2: orders_exec(how / 12 + more, data, len); break;
	case 3: asks(more, data, len); break;
	case 4: orders_log(more); break;
	case 5: orders_share(more); break;
	case 6: orders_numbers(more); break;
	case 7:
		if (more == 77) {
			is_asked_to_end = true;
			fake_say(containers, MSG_VMM_KILL, data, 4, FAKE_NOTHING, 0);
		}
		break;
	case 8: fake_close(&containers); break;
	case 9: refuses = more % 2 != 0; break;
	case 10:
		is_asked_to_end = true;
		fake_say(containers, MSG_VMM_NETWORKS, data, len, fake_cargo(how >= 128, true),
		         PAGE_SIZE);
		break;
	default:
		is_asked_to_end = true;
		fake_say(containers, MSG_VMM_HELLO + how / 12 % 13, data, len,
		         fake_cargo(more >= 128, more >= 192), PAGE_SIZE);
		break;
	}
}

// --- Clients of streams --------------------------------------------------------------------------

static void end_acts(uint8_t how, const uint8_t *data, size_t len)
{
	fake_stream_acts(&ends[(num_ends - 1 - how % 4) % NUM_ENDS], how / 4 % 6, how, data, len);
}

// --- An input ------------------------------------------------------------------------------------

static void turn(void)
{
	fake_loop_settle(&vmm_state.loop);
	grants_serve();
	containers_serve();
	fake_loop_settle(&vmm_state.loop);
}

static void begin(void)
{
	static struct environ env = {
		.num_entries = 8,
		.entries = { { .kind = ENV_CONNECTOR, .name = "vmm" },
		             { .kind = ENV_CONNECTOR, .name = "grants" },
		             { .kind = ENV_CONNECTOR, .name = "files", .unmet = 1 },
		             { .kind = ENV_CONFIG, .name = "token", .value = TOKEN },
		             { .kind = ENV_CONFIG, .name = "memory", .value = "512M" },
		             { .kind = ENV_CONFIG, .name = "cpus", .value = "2" },
		             { .kind = ENV_CONFIG, .name = "timebase", .value = "10000000" },
		             { .kind = ENV_CONFIG, .name = "harts", .value = "1" } }
	};

	fake_reset();
	memset(&vmm_state, 0, sizeof(vmm_state));
	memset(ends, 0, sizeof(ends));
	containers = HANDLE_NONE;
	num_ends = 0;
	refuses = is_asked_to_end = may_exit = false;
	guest_fake_begin();
	env.entries[0].handle = vmm_service = fake_connector_create();
	env.entries[1].handle = grants = fake_connector_create();
	vmm_main(&env);
	turn();
}

enum { ORDER, GUEST, END, TIME, WARM, MEMORY, NUM_STEPS };

static void step(unsigned what, uint8_t how, const uint8_t *data, size_t len)
{
	switch (what) {
	case ORDER: containers_orders(how, data, len); break;
	case GUEST: guest_fake_acts(how, data, len); break;
	case END: end_acts(how, data, len); break;
	case TIME: fake_time_pass((nsec_t)how * how * NSEC_PER_MSEC); break;
	case WARM: guest_fake_warm(how % 2 == 0); break;
	default:
		fake_memory_fail(how);
		may_exit = may_exit || how != 0;
		break;
	}
}

static size_t num_attached(void)
{
	size_t num = 0;

	for (size_t i = 0; i < VMM_MAX_ATTACHED; i++)
		num += vmm_state.attached[i].used;
	return num;
}

// All have gone, and the container has ended.
static void finish(size_t handles)
{
	fake_memory_fail(0);
	for (size_t i = 0; i < NUM_ENDS; i++)
		fake_close(&ends[i]);
	turn();
	guest_fake_ends(0, NULL);
	for (unsigned i = 0; i < 5; i++) {
		fake_time_pass(10 * NSEC_PER_SEC);
		refuses = true;
		turn();
		for (size_t k = 0; k < NUM_ENDS; k++)
			fake_close(&ends[k]);
	}
	if (!list_is_empty(&vmm_state.execs) || vmm_state.num_execs != 0 || guest_fake_is_there())
		abort();
	// What one has typed may stay; nobody waits for it. Without a container there is no end.
	for (size_t i = 0; i < VMM_MAX_ATTACHED; i++)
		if (vmm_state.state == VMM_ENDED && vmm_state.attached[i].used &&
		    !vmm_state.attached[i].output_over)
			abort();
	// A log that cannot be written tries on.
	if (!vmm_state.log.runs && num_attached() == 0 && fake_num_handles() > handles)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t handles;

	if (setjmp(fake_exit) != 0) {
		if (!may_exit && vmm_state.state != VMM_ENDED && !is_asked_to_end)
			abort();
		return 0;
	}
	begin();
	handles = fake_num_handles();
	fake_steps(data, size, NUM_STEPS, step, turn);
	finish(handles);
	return 0;
}
