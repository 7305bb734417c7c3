// SPDX-License-Identifier: MIT
#include "libs/linux/run/guest_fake.h"

#include <stdlib.h>
#include <string.h>

struct guest_container *container;
struct heard heard;
uint8_t requests[8192];
size_t requests_len;
handle_t connector, root_channel, writable_channel;
static bool has_share;
const struct vm_share test_share = { .connector = FILES, .uri = FILES_HOST, .name = "0" };
static uint16_t rx_seen;

// --- The app -------------------------------------------------------------------------------------

static void take_started(void *context, nsec_t start_ns)
{
	(void)context;
	(void)start_ns;
	heard.started++;
}

static size_t take_output(void *context, enum guest_stream stream, struct span bytes)
{
	size_t n = bytes.len < heard.output_room ? bytes.len : heard.output_room;

	(void)context;
	(void)stream;
	memcpy(heard.output + heard.output_len, bytes.data, n);
	heard.output_len += n;
	heard.output_room -= n;
	return n;
}

static void take_input_ready(void *context)
{
	(void)context;
	heard.input_ready++;
}

static void take_root_lost(void *context)
{
	(void)context;
	heard.lost++;
}

static void take_ended(void *context, int s, const char *error)
{
	(void)context;
	heard.ended++;
	heard.status = s;
	heard.lacked_memory = guest_container_lacked_memory(container);
	strcpy(heard.error, error != NULL ? error : "");
	guest_container_destroy(container);
	container = NULL;
}

static const struct guest_container_ops app = {
	.started = take_started,
	.output = take_output,
	.input_ready = take_input_ready,
	.root_lost = take_root_lost,
	.writable_lost = take_root_lost,
	.ended = take_ended,
};

void create_container(struct vm *warm)
{
	struct guest_container_config config = {
		.vm = warm,
		.boot = boot,
		.config = { .data = (const uint8_t *)"{}", .len = 2 },
		.root_disk = root_channel,
		.writable_disk = writable_channel,
		.network = connector,
		.address = { 10, 0, 2, 100 },
		.shares = &test_share,
		.num_shares = has_share ? 1 : 0,
	};

	assert_int_equal(guest_container_create(&loop, &config, &app, NULL, &container), 0);
	vm = container->vm;
}

int setup(void **state)
{
	(void)state;
	vm_fake_reset();
	heard = (struct heard){ .status = -1, .output_room = sizeof(heard.output) };
	requests_len = 0;
	rx_seen = 0;
	create_container(NULL);
	root_is_ready(8);
	return 0;
}

int setup_writable(void **state)
{
	writable_channel = WRITABLE;
	setup(state);
	writable_channel = HANDLE_NONE;
	return 0;
}

int setup_files(void **state)
{
	has_share = true;
	setup(state);
	has_share = false;
	return 0;
}

int setup_network(void **state)
{
	connector = 77;
	setup(state);
	connector = HANDLE_NONE;
	return 0;
}

int teardown(void **state)
{
	(void)state;
	if (container != NULL && container->state != CONTAINER_CREATED)
		guest_container_kill(container);
	turn();
	if (container != NULL)
		guest_container_destroy(container);
	container = NULL;
	free(guest);
	return 0;
}

// --- The guest -----------------------------------------------------------------------------------

uint32_t buffer_of(uint32_t queue)
{
	return TEST_BUFFERS + queue * 4096;
}

void guest_send(uint32_t queue, const void *bytes, uint32_t len)
{
	memcpy(guest->memory + buffer_of(queue), bytes, len);
	test_set_desc(guest, queue, 0, TEST_GPA + buffer_of(queue), len, 0, 0);
	test_offer(guest, queue, 0);
	virtio_mmio_notified(&vm->console.mmio, queue);
}

void guest_control(uint32_t port, uint16_t event, uint16_t value)
{
	struct virtio_console_control message = { .id = port, .event = event, .value = value };

	guest_send(VIRTIO_CONSOLE_QUEUE_CONTROL_TX, &message, sizeof(message));
}

void guest_boot(void)
{
	uint32_t rx = VIRTIO_CONSOLE_QUEUE_RX(GUEST_PORT_CONTROL);

	if (container != NULL)
		guest_container_start(container);
	else
		vm_boot(vm);
	turn();
	assert_int_equal(vm->state, VM_BOOTING);
	test_start_device(&vm->console.mmio, VIRTIO_CONSOLE_F_MULTIPORT);
	for (uint16_t i = 0; i < TEST_QUEUE_SIZE; i++) {
		test_set_desc(guest, rx, i, TEST_GPA + buffer_of(rx) + i * 256u, 256,
		              VIRTQ_DESC_F_WRITE, 0);
		test_offer(guest, rx, i);
		test_set_desc(guest, VIRTIO_CONSOLE_QUEUE_CONTROL_RX, i,
		              TEST_GPA + buffer_of(VIRTIO_CONSOLE_QUEUE_CONTROL_RX) + i * 16u, 16,
		              VIRTQ_DESC_F_WRITE, 0);
		test_offer(guest, VIRTIO_CONSOLE_QUEUE_CONTROL_RX, i);
	}
	for (uint32_t port = 0; port < GUEST_NUM_PORTS; port++)
		guest_control(port, VIRTIO_CONSOLE_PORT_READY, 1);
	guest_control(GUEST_PORT_CONTROL, VIRTIO_CONSOLE_PORT_OPEN, 1);
}

void guest_read(void)
{
	uint32_t rx = VIRTIO_CONSOLE_QUEUE_RX(GUEST_PORT_CONTROL);
	const struct virtq_used *used = test_used(guest, rx);

	for (; rx_seen != used->idx; rx_seen++) {
		uint32_t id = used->ring[rx_seen % TEST_QUEUE_SIZE].id;
		uint32_t len = used->ring[rx_seen % TEST_QUEUE_SIZE].len;

		memcpy(requests + requests_len, guest->memory + buffer_of(rx) + id * 256, len);
		requests_len += len;
	}
}

void guest_frame(uint16_t type, uint32_t process, uint32_t request, const void *body, uint32_t len)
{
	uint8_t frame[4096];
	struct control_header header = { .magic = CONTROL_MAGIC,
		                         .version = CONTROL_VERSION,
		                         .type = type,
		                         .process = process,
		                         .request = request,
		                         .length = len };

	memcpy(frame, &header, sizeof(header));
	if (len > 0)
		memcpy(frame + sizeof(header), body, len);
	guest_send(VIRTIO_CONSOLE_QUEUE_TX(GUEST_PORT_CONTROL), frame,
	           (uint32_t)sizeof(header) + len);
}

void guest_ready(void)
{
	struct control_ready ready = { .version = CONTROL_VERSION };

	guest_frame(CONTROL_EVENT_READY, 0, 0, &ready, sizeof(ready));
}

void guest_reply(uint32_t request, int32_t linux_status)
{
	struct control_reply reply = { .status = linux_status };

	guest_frame(CONTROL_REPLY, 1, request, &reply, sizeof(reply));
}

void guest_exited(uint16_t type, uint32_t s)
{
	struct control_exited exited = { .status = s };

	guest_frame(type, 1, 0, &exited, sizeof(exited));
}

void guest_stream(uint32_t process, uint32_t stream, const void *bytes, uint32_t len)
{
	uint8_t body[4000] = { (uint8_t)stream };

	memcpy(body + sizeof(struct control_stream), bytes, len);
	guest_frame(CONTROL_STREAM_DATA, process, 0, body,
	            (uint32_t)sizeof(struct control_stream) + len);
}

void guest_start(void)
{
	guest_boot();
	guest_ready();
	for (uint32_t i = 1; i <= 4; i++)
		guest_reply(i, 0);
	guest_frame(CONTROL_EVENT_STARTED, 1, 0, NULL, 0);
	assert_int_equal(container->state, CONTAINER_RUNNING);
}

void expect_end(int s, const char *part)
{
	turn();
	assert_int_equal(heard.ended, 1);
	assert_int_equal(heard.status, s);
	if (part == NULL)
		assert_string_equal(heard.error, "");
	else
		assert_non_null(strstr(heard.error, part));
}

size_t expect_requests(const uint16_t *types, size_t count)
{
	struct control_header header;
	size_t at = 0;

	guest_read();
	for (size_t i = 0; i < count; i++) {
		at += i > 0 ? sizeof(header) + header.length : 0;
		assert_true(at + sizeof(header) <= requests_len);
		memcpy(&header, requests + at, sizeof(header));
		assert_int_equal(header.type, types[i]);
	}
	assert_int_equal(at + sizeof(header) + header.length, requests_len);
	requests_len = 0;
	return at + sizeof(header);
}
