// SPDX-License-Identifier: MIT
//
// A hostile bootd at a container: frames that are right, nearly right and of anything, in pieces,
// before, during and after its start, while the user sends signals and input, the disk's driver
// dies and the guest ends. So of the processes that the user adds to it. Whatever comes, the
// container and each process end once, with a status, and nothing of them is left.
#include <stdlib.h>
#include <string.h>

#include "libs/base/text.h"
#include "libs/linux/run/guest_fake.h"
#include "libs/linux/run/guest_process_internal.h"
#include "libs/linux/run/guest_query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct reader input;

// --- Added processes -----------------------------------------------------------------------------

static struct added {
	struct guest_process *process;  // NULL: there is none
	size_t room;
	uint32_t ended;
} added[4];

static void check(bool condition)
{
	if (!condition)
		abort();
}

static size_t added_output(void *context, enum guest_stream stream, struct span bytes)
{
	struct added *a = context;
	size_t n = bytes.len < a->room ? bytes.len : a->room;

	check(a->process != NULL && a->ended == 0 &&
	      (stream == GUEST_STDOUT || stream == GUEST_STDERR));
	a->room -= n;
	return n;
}

static void added_event(void *context)
{
	struct added *a = context;

	check(a->process != NULL && a->ended == 0);
}

static void added_ended(void *context, int status, const char *error)
{
	struct added *a = context;

	(void)error;
	check(a->process != NULL && a->ended == 0 && status >= 0 && status <= 255);
	a->ended++;
	if (a->room % 2 == 0) {
		guest_process_destroy(a->process);
		a->process = NULL;
	}
}

static const struct guest_process_ops added_ops = { .started = added_event,
	                                            .output = added_output,
	                                            .input_ready = added_event,
	                                            .ended = added_ended };

static void start_added(struct added *a, uint8_t room)
{
	static const uint8_t text[] = "{\"args\":[\"x\"]}";

	a->room = room % 4 == 0 ? room : 1u << 30;
	a->ended = 0;
	if (guest_container_exec(container, (struct span){ text, sizeof(text) - 1 }, &added_ops, a,
	                         &a->process) < 0)
		a->process = NULL;
}

static void user_of_added(uint8_t op)
{
	static const uint8_t bytes[CONTROL_WINDOW];
	struct added *a = &added[op % 4];
	enum guest_stream stream = op & 0x80 ? GUEST_STDOUT : GUEST_STDERR;

	if (a->process == NULL) {
		start_added(a, op);
		return;
	}
	switch (op / 4 % 8) {
	case 0: guest_process_signal(a->process, op); break;
	case 1: guest_process_resize(a->process, op, op); break;
	case 2:
		(void)guest_process_stdin_write(a->process,
		                                (struct span){ bytes, (size_t)op * 257 });
		break;
	case 3: guest_process_stdin_close(a->process); break;
	case 4: guest_process_output_close(a->process, stream); break;
	case 5:
		guest_process_destroy(a->process);
		a->process = NULL;
		break;
	default:
		a->room = op;
		guest_process_output_resume(a->process, stream);
		break;
	}
}

// --- Questions -----------------------------------------------------------------------------------

static uint32_t num_asked, num_answered;

static void take_done(void *context, error_t error, const char *text)
{
	(void)context;
	check(error == 0 || text != NULL);
	num_answered++;
}

static void take_stats(void *context, error_t error, const char *text,
                       const struct control_stats *stats)
{
	check((stats != NULL) == (error == 0));
	take_done(context, error, text);
}

static void take_list(void *context, error_t error, const char *text,
                      const struct guest_top_entry *entries, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check(entries[i].command.len <= CONTROL_TOP_MAX_COMMAND);
	take_done(context, error, text);
}

static void ask(uint8_t op)
{
	const struct control_limits limits = { .memory = op };
	error_t err;

	switch (op % 4) {
	case 0: err = guest_container_read_stats(container, take_stats, NULL); break;
	case 1: err = guest_container_list(container, take_list, NULL); break;
	case 2: err = guest_container_freeze(container, op / 4 % 2 == 0, take_done, NULL); break;
	default: err = guest_container_limit(container, &limits, take_done, NULL); break;
	}
	num_asked += err == 0 ? 1 : 0;
}

// A reply to the next request, of a length that figures or a list of processes may have.
static void answer(uint8_t how)
{
	uint8_t body[4 + sizeof(struct control_stats)] = { 0 };
	struct control_top_entry entry = { .key = reader_u8(&input), .length = how % 16 };
	uint32_t len = how < 128 ? 4 + 4 + (uint32_t)sizeof(entry) + how % 16 : sizeof(body);

	body[4] = how / 16 % 2;
	memcpy(body + 8, &entry, sizeof(entry));
	guest_frame(CONTROL_REPLY, 1, vm->link.last_reply + 1, body, len);
}

// A frame about one of them that is right in form.
static void frame_of_added(uint8_t what)
{
	static const uint16_t types[] = { CONTROL_EVENT_STARTED, CONTROL_STREAM_DATA,
		                          CONTROL_STREAM_WINDOW, CONTROL_EVENT_EXITED,
		                          CONTROL_EVENT_FAILED,  CONTROL_STREAM_DATA,
		                          CONTROL_STREAM_DATA,   CONTROL_STREAM_WINDOW };
	uint16_t type = types[what % 8];
	uint8_t body[3000] = { 0 };
	uint32_t len = type == CONTROL_STREAM_DATA ? 5 + what * 11u : 8;

	body[0] = type == CONTROL_STREAM_WINDOW ? 0 : what / 8 % 2 + 1;
	body[4] = what;
	guest_frame(type, container->next_process - 1 - what / 16 % 4, 0, body, len);
}

// --- The container -------------------------------------------------------------------------------

// A frame of a type that bootd sends, or of any; its body is of the input.
static void frame(void)
{
	static const uint16_t types[] = { CONTROL_REPLY, CONTROL_EVENT_READY, CONTROL_EVENT_STARTED,
		                          CONTROL_EVENT_EXITED, CONTROL_EVENT_FAILED };
	uint8_t how = reader_u8(&input);
	uint16_t type = how % 8 < 5 ? types[how % 8] : reader_le16(&input);
	uint32_t request = type == CONTROL_REPLY ? vm->link.last_reply + 1 : reader_u8(&input);
	uint8_t body[128] = { 0 };
	size_t len = reader_u8(&input) % sizeof(body);

	if ((how & 0x20) != 0)
		request = reader_u8(&input);
	for (size_t i = 0; i < len && reader_status(&input) == 0; i++)
		body[i] = reader_u8(&input);
	// Most replies and ends are good ones.
	if ((how & 0x40) == 0 && len < 4)
		len = 4;
	guest_frame(type, (how & 0x80) == 0 ? 1 : reader_u8(&input), request, body, (uint32_t)len);
}

// Bytes as they are, on any port.
static void bytes(void)
{
	uint32_t queue = VIRTIO_CONSOLE_QUEUE_TX(reader_u8(&input) % GUEST_NUM_PORTS);
	uint8_t raw[64];
	size_t len = reader_u8(&input) % sizeof(raw) + 1;

	for (size_t i = 0; i < len; i++)
		raw[i] = reader_u8(&input);
	guest_send(queue, raw, (uint32_t)len);
}

static void user(uint8_t op)
{
	switch (op % 6) {
	case 0: guest_container_signal(container, op / 6 + 1u); break;
	case 1: guest_container_resize(container, op, op); break;
	case 2:
		(void)guest_container_stdin_write(
			container, (struct span){ .data = (const uint8_t *)"input", .len = 5 });
		break;
	case 3: guest_container_stdin_close(container); break;
	case 4:
		heard.output_len = 0;
		heard.output_room = op;
		guest_container_output_resume(container,
		                              op / 6 % 2 == 0 ? GUEST_STDOUT : GUEST_STDERR);
		break;
	default: guest_container_kill(container); break;
	}
}

// The console's driver: output that nobody is told of, a queue set up once more or broken, a reset.
static void driver(uint8_t op)
{
	uint32_t queue = VIRTIO_CONSOLE_QUEUE_TX(op % GUEST_NUM_PORTS);

	switch (op / 8 % 4) {
	case 0:
		test_set_desc(guest, queue, 0, TEST_GPA + buffer_of(queue), 5, 0, 0);
		test_offer(guest, queue, 0);
		break;
	case 1: test_start_queue(&vm->console.mmio, queue); break;
	case 2:
		test_set_desc(guest, queue, 0, 1, 1, 0, 0);
		test_offer(guest, queue, 0);
		virtio_mmio_notified(&vm->console.mmio, queue);
		break;
	default:
		test_write_reg(&vm->console.mmio, VIRTIO_MMIO_STATUS, 0);
		test_write_reg(&vm->console.mmio, VIRTIO_MMIO_STATUS,
		               VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER);
		break;
	}
}

static void machine(uint8_t op)
{
	switch (op % 6) {
	case 0:
		guest_control(op / 6 % GUEST_NUM_PORTS, VIRTIO_CONSOLE_PORT_OPEN, op / 64 % 2);
		break;
	case 1: now += VM_PATIENCE / 3; break;
	case 2:
		if (op > 200 && vm->machine.num_running > 0)
			machine_ends(MACHINE_END_REBOOT);
		break;
	case 3: driver(op / 6); break;
	default:
		// The driver takes what was sent to it.
		requests_len = 0;
		guest_read();
		break;
	}
}

static void step_of_added(uint8_t op)
{
	if (op < 0x80)
		frame();
	else if (op / 8 % 4 == 0)
		frame_of_added(reader_u8(&input));
	else if (op / 8 % 4 == 1)
		user_of_added(reader_u8(&input));
	else if (op / 8 % 4 == 2)
		ask(reader_u8(&input));
	else
		answer(reader_u8(&input));
}

static void step(void)
{
	uint8_t op = reader_u8(&input);

	switch (op % 8) {
	case 0:
	case 1:
	case 2:
	case 3: step_of_added(op); break;
	case 4: bytes(); break;
	case 5: user(op / 8); break;
	case 6: machine(reader_u8(&input)); break;
	default: turn(); break;
	}
}

// What is left of the output is taken, then it ends.
static void end(void)
{
	if (container != NULL)
		guest_container_kill(container);
	for (uint32_t i = 0; i < 10; i++) {
		for (enum guest_stream stream = GUEST_STDOUT;
		     container != NULL && stream <= GUEST_STDERR; stream++) {
			heard.output_len = 0;
			heard.output_room = sizeof(heard.output);
			guest_container_output_resume(container, stream);
		}
		turn();
	}
}

static void check_end(void)
{
	if (heard.ended != 1 || heard.status < 0 || heard.status > 255)
		abort();
	for (size_t i = 0, len = strlen(heard.error), n; i < len; i += n) {
		n = text_visible(heard.error + i, len - i);
		if (n == 0)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t stage;

	input = reader_make(data, size);
	stage = reader_u8(&input);
	setup(NULL);
	if (stage % 4 == 0)
		guest_start();
	else
		guest_boot();
	if (stage % 4 == 1)
		guest_ready();
	for (uint32_t i = 0; i < 100 && container != NULL && vm->machine.num_running > 0 &&
	     reader_status(&input) == 0;
	     i++)
		step();
	end();
	check_end();
	check(num_asked == num_answered);
	for (size_t i = 0; i < 4; i++) {
		if (added[i].process != NULL) {
			check(added[i].ended == 1);
			guest_process_destroy(added[i].process);
		}
		added[i].process = NULL;
	}
	teardown(NULL);
	return 0;
}
