// SPDX-License-Identifier: MIT
//
// A virtio console with several generic ports and no console port (virtio 1.2, section 5.3; device
// side).
//
// Backpressure both ways: output that the owner does not take stays in the guest's queue, input
// that the guest has no buffers for is not taken from the owner. Not thread-safe: the machine's
// lock guards it.
#pragma once

#include "libs/virtio/device_mmio.h"

#define CONSOLE_DEVICE_MAX_PORTS 6u
// Of one buffer; a longer one breaks the device. Linux's are 32 KiB.
#define CONSOLE_DEVICE_MAX_BYTES (1024u * 1024)
// Of output handed to the owner in one turn.
#define CONSOLE_DEVICE_TURN_BYTES (256u * 1024)

struct console_device_ops {
	// The guest wrote `bytes` to `port`. Returns how many of them were taken; after fewer than
	// all, the owner calls console_device_resume. The bytes lie in guest memory and may change
	// while they are read.
	size_t (*output)(void *context, uint32_t port, struct span bytes);
	// The guest opened or closed its side of `port`.
	void (*guest_open)(void *context, uint32_t port, bool open);
	// Input was refused before and will be taken now.
	void (*input_ready)(void *context, uint32_t port);
};

struct console_port {
	bool host_open;
	bool guest_open;
	bool guest_ready;    // the driver has the port
	bool input_wanted;   // input was refused
	bool output_held;    // output was refused
	size_t output_done;  // of the chain at the head of the transmit queue

	// Control messages to send once the driver has buffers for them.
	bool send_add;
	bool send_open;
};

struct console_device {
	struct virtio_mmio_device mmio;
	const struct console_device_ops *ops;
	void *context;
	uint32_t num_ports;
	struct console_port ports[CONSOLE_DEVICE_MAX_PORTS];
	// In hand; too large for a stack. Output's is apart: its callback may give input.
	struct device_chain tx_chain;
	struct device_chain rx_chain;
};

// Sets the model up. The transport's mem, page, set_irq, irq_context and irq are set by the caller
// before.
void console_device_init(struct console_device *dev, uint32_t num_ports,
                         const struct console_device_ops *ops, void *context);
// Our side of the port is open, or closed (the guest reads end of file once it has read what came
// before).
void console_device_set_open(struct console_device *dev, uint32_t port, bool open);
// Gives input to the guest. Returns how many bytes it took; after fewer than all, ops->input_ready
// comes.
size_t console_device_input(struct console_device *dev, uint32_t port, struct span bytes);
// The owner takes output of `port` again.
void console_device_resume(struct console_device *dev, uint32_t port);
// Looks for output of `port` now, without waiting for a notification. Returns true when none is
// left in its queue that the device could take: of a device that does not run there is none.
bool console_device_drain(struct console_device *dev, uint32_t port);
