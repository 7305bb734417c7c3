// SPDX-License-Identifier: MIT
//
// Driver of the console device with many ports (virtio 1.2, 5.3): the "console" service. main.c has
// the device, control.c the control queues, console_port.c the byte streams, session.c the open
// requests. All state is in one struct.
#pragma once

#include "libs/abi/console.h"
#include "libs/abi/folio.h"
#include "libs/base/list.h"
#include "libs/starina/loop.h"
#include "libs/starina/service.h"
#include "libs/virtio/mmio.h"

#define MAX_PORTS 16u
#define PORT_NAME_MAX 64u
#define RX_BUFFERS 8u
#define TX_SLOTS 16u
// The device may say three things of each port at once, and drops what it finds no buffer for.
#define CONTROL_RX_BUFFERS 64u
#define CONTROL_TX_SLOTS 32u
#define CONTROL_RX_BYTES 128u

// A page that the device writes received bytes to.
struct rx_buffer {
	struct dma_buffer page;
	bool posted;
};

struct tx_slot {
	handle_t folio;  // HANDLE_NONE: the bytes are in the slot's part of tx_area
	struct tx_slot *next_free;
};

struct port {
	struct console *console;
	uint32_t id;
	char name[PORT_NAME_MAX];
	bool added;        // the device has told of it
	bool host_open;    // somebody listens on the host's side
	bool host_closed;  // somebody did, and went
	struct virtqueue rx;
	struct virtqueue tx;
	struct rx_buffer rx_buffers[RX_BUFFERS];
	struct tx_slot tx_slots[TX_SLOTS];
	struct tx_slot *tx_free;
	uint32_t tx_in_flight;
	struct dma_buffer tx_area;  // MESSAGE_MAX_DATA bytes a slot

	bool open;     // a client has it
	bool closing;  // the client went; what it wrote is still going out
	struct source client;
	struct dma_buffer gather;  // where pages that came together are put together
	bool gathers;              // several came at a time before
	struct message held;       // for the client, whose queue was full
	bool holds;
	bool end_due;  // MSG_END is to be sent once the received bytes are
};

struct console {
	struct loop loop;
	struct virtio_device device;
	struct source interrupt;
	struct service_listener listener;
	struct virtqueue control_rx;
	struct virtqueue control_tx;
	struct dma_buffer control_rx_area;  // CONTROL_RX_BYTES a buffer
	struct dma_buffer control_tx_area;  // struct virtio_console_control[CONTROL_TX_SLOTS]
	uint32_t control_tx_next;
	struct port ports[MAX_PORTS];
	uint32_t num_ports;
	struct list waiting;  // open requests for a port that is not there yet, or not free yet
	struct source timer;  // of the oldest of them
	// A port is free again. session.c's.
	void (*port_freed)(struct console *console);
};

// --- device.c ---

// Ends the app (it will be restarted): the device broke its rules.
_Noreturn void console_fail(struct console *console, const char *why);

// Tells the device `event` (VIRTIO_CONSOLE_*) of port `id`.
void control_send(struct console *console, uint32_t id, uint16_t event, uint16_t value);

// --- control.c ---

// Posts the buffers of the control queue. Errors: dma_alloc's.
__must_check error_t control_init(struct console *console);
// Handles what the device said on the control queue.
void control_poll(struct console *console);

// --- console_port.c ---

// The device told of the port: makes its buffers. Errors: dma_alloc's.
__must_check error_t port_add(struct port *port);
// The device took the port away: its client is told.
void port_remove(struct port *port);
// The host's side opened or closed.
void port_host_opened(struct port *port, bool open);
// Opens the port for the client at the other end of `channel` (consumed on success). Errors:
// loop_add's.
__must_check error_t port_open(struct port *port, handle_t channel);
// Moves what was received to the client and takes back what was sent.
void port_poll(struct port *port);

// --- session.c ---

// Serves open requests. Errors: timer_create's, loop_add's.
__must_check error_t session_init(struct console *console, handle_t service);
// A port appeared, got its name or became free: tries the open requests that wait.
void session_retry(struct console *console);
