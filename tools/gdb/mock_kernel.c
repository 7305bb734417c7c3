// SPDX-License-Identifier: MIT
//
// A process with the kernel's structures in its memory, as starina.py finds them in a stopped
// kernel: two processes with a channel between them, a message queued on it, one hart, and a table
// of three apps, two of them in user mode.
// tools/gdb/starina_test.sh looks at it with gdb.
#include <stdint.h>
#include <string.h>

#include "kernel/object/app_image.h"
#include "kernel/object/channel_private.h"
#include "kernel/object/process.h"
#include "kernel/object/thread.h"
#include "kernel/sched/sched.h"

// What an inline function of a header refers to.
void channel_message_free(struct channel_message *message)
{
	(void)message;
}

struct list all_processes;
struct hart harts[MAX_HARTS];
uint32_t num_harts = 1;

static const struct app_spec specs[] = { { .name = "echo" },
	                                 { .name = "wall" },
	                                 { .name = "door" } };
static const struct user_image user_image;
const struct app_image app_images[] = {
	{ .spec = &specs[0] },
	{ .spec = &specs[1], .user = &user_image },
	{ .spec = &specs[2], .user = &user_image },
};
const size_t num_app_images = sizeof(app_images) / sizeof(app_images[0]);

static const struct object_ops channel_ops = { .type = OBJECT_CHANNEL };
static const struct object_ops event_ops = { .type = OBJECT_EVENT };
static struct process processes[2];
static struct handle_slot slots[2][8];
static struct account accounts[2];
static struct channel channel;
static struct object event;
static struct thread thread;
static union {
	struct channel_message message;
	uint8_t bytes[sizeof(struct channel_message) + 64];
} queued;

// The kernel's types are looked up where this function is.
void object_free(struct object *object)
{
	(void)object;
}

static struct process *process_fill(size_t index, const char *name)
{
	struct process *process = &processes[index];

	process->id = (uint32_t)index + 1;
	strncpy(process->name, name, sizeof(process->name) - 1);
	process->account = &accounts[index];
	process->account->kernel_used = 4321;
	process->handles.slots = slots[index];
	process->handles.capacity = 8;
	list_init(&process->threads);
	list_push_back(&all_processes, &process->all_entry);
	return process;
}

static void handle_fill(struct process *process, size_t index, struct object *object,
                        uint16_t rights)
{
	process->handles.slots[index] =
		(struct handle_slot){ .object = object, .rights = rights, .generation = 3 };
	process->handles.used++;
}

// gdb stops here.
__attribute__((noinline)) static void ready(void)
{
	__asm__ volatile("" ::: "memory");
}

int main(void)
{
	struct process *echo, *client;

	list_init(&all_processes);
	echo = process_fill(0, "echo");
	client = process_fill(1, "echo_client");
	for (int i = 0; i < 2; i++) {
		channel.ends[i].object.ops = &channel_ops;
		channel.ends[i].object.refs = 1;
		channel.ends[i].channel = &channel;
		channel.ends[i].peer = &channel.ends[1 - i];
	}
	event.ops = &event_ops;
	handle_fill(echo, 1, &channel.ends[0].object, RIGHT_READ | RIGHT_WRITE);
	handle_fill(client, 2, &channel.ends[1].object, RIGHT_READ | RIGHT_TRANSFER);
	handle_fill(client, 5, &event, RIGHT_POLL);

	queued.message.header.type = MSG_DATA;
	queued.message.header.len = 5;
	memcpy(queued.bytes + offsetof(struct channel_message, data), "hello", 5);
	channel.ends[0].head = channel.ends[0].tail = &queued.message;
	channel.ends[0].queued = 1;
	channel.ends[1].closed = true;

	thread.id = 7;
	thread.process = client;
	harts[0].current = &thread;
	harts[0].context_switches = 12;
	ready();
	return 0;
}
