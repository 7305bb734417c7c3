// SPDX-License-Identifier: MIT
//
// What is said to the device, and what becomes of one that breaks its rules.
#include "apps/virtio_console/console.h"
#include "libs/starina/syscall.h"

void console_fail(struct console *c, const char *why)
{
	virtio_device_fail(&c->device, why);
	process_exit(1);
}

void control_send(struct console *console, uint32_t id, uint16_t event, uint16_t value)
{
	uint32_t slot = console->control_tx_next % CONTROL_TX_SLOTS;
	struct virtio_console_control *control =
		(struct virtio_console_control *)(void *)console->control_tx_area.bytes + slot;
	struct virtqueue_buffer buffer = {
		.paddr = console->control_tx_area.paddr + slot * sizeof(*control),
		.len = sizeof(*control),
	};
	uint32_t written;
	void *token;
	error_t err;

	// The device takes these in order, so the oldest slot is free again first.
	do {
		err = virtqueue_pop(&console->control_tx, &token, &written);
	} while (err == 0);
	if (err != ERR_EMPTY || virtqueue_num_used(&console->control_tx) >= CONTROL_TX_SLOTS)
		console_fail(console, "it does not take control messages");
	*control = (struct virtio_console_control){ .id = id, .event = event, .value = value };
	if (virtqueue_push(&console->control_tx, &buffer, 1, control) != 0)
		console_fail(console, "it does not take control messages");
	console->control_tx_next++;
	virtio_queue_kick(&console->device, VIRTIO_CONSOLE_QUEUE_CONTROL_TX, &console->control_tx);
}
