// SPDX-License-Identifier: MIT
#include "apps/virtio_console/console.h"
#include "libs/abi/app.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

// Of the control message that concerns no port.
#define NO_PORT 0xffffffffu

static struct console console;

static void interrupt_signalled(struct loop *loop, struct source *source)
{
	error_t err;

	(void)loop;
	virtio_interrupt_take(&console.device);
	// Control first: a port's end comes after its bytes, which are then there already.
	control_poll(&console);
	for (uint32_t i = 0; i < console.num_ports; i++)
		port_poll(&console.ports[i]);
	err = interrupt_ack(source->handle);
	assert(err == 0);
}

static const struct source_ops interrupt_ops = { .signalled = interrupt_signalled };

static error_t queues_setup(void)
{
	struct virtio_device *device = &console.device;
	error_t err;

	err = virtio_queue_setup(device, VIRTIO_CONSOLE_QUEUE_CONTROL_RX, CONTROL_RX_BUFFERS,
	                         &console.control_rx);
	if (err == 0)
		err = virtio_queue_setup(device, VIRTIO_CONSOLE_QUEUE_CONTROL_TX, CONTROL_TX_SLOTS,
		                         &console.control_tx);
	for (uint32_t i = 0; err == 0 && i < console.num_ports; i++) {
		struct port *port = &console.ports[i];

		port->console = &console;
		port->id = i;
		err = virtio_queue_setup(device, VIRTIO_CONSOLE_QUEUE_RX(i), RX_BUFFERS, &port->rx);
		if (err == 0)
			err = virtio_queue_setup(device, VIRTIO_CONSOLE_QUEUE_TX(i), TX_SLOTS,
			                         &port->tx);
	}
	return err;
}

static error_t console_start(const struct env_entry *entry)
{
	struct virtio_device *device = &console.device;
	uint32_t max_ports = 0;
	error_t err;

	err = virtio_device_open(device, entry, VIRTIO_ID_CONSOLE, "console device");
	if (err == 0)
		err = virtio_device_negotiate(device, VIRTIO_CONSOLE_F_MULTIPORT);
	if (err != 0)
		return err;
	if (!virtio_device_has(device, VIRTIO_CONSOLE_F_MULTIPORT)) {
		virtio_device_fail(device, "it has no named ports (VIRTIO_CONSOLE_F_MULTIPORT)");
		return ERR_NOT_SUPPORTED;
	}
	err = virtio_config_read(device, offsetof(struct virtio_console_config, max_nr_ports), 4, 1,
	                         &max_ports);
	console.num_ports = max_ports < MAX_PORTS ? max_ports : MAX_PORTS;
	if (err == 0)
		err = queues_setup();
	if (err == 0)
		err = control_init(&console);
	if (err == 0)
		err = loop_add(&console.loop, &console.interrupt, entry->interrupt, &interrupt_ops,
		               &console);
	return err;
}

static void virtio_console_main(const struct environ *env)
{
	const struct env_entry *entry = environ_device(env, "virtio,device3", 0);
	error_t err = loop_init(&console.loop);

	// Without a device the service is there, but has no ports.
	if (err == 0 && entry != NULL)
		err = console_start(entry);
	if (err == 0)
		err = session_init(&console, environ_service(env, "console"));
	if (err != 0) {
		log_error("cannot use the console device: %s", error_text(err));
		process_exit(1);
	}
	if (environ_device(env, "virtio,device3", 1) != NULL)
		log_warn("more than one console device: only the first is used");
	if (entry != NULL) {
		virtio_device_start(&console.device);
		// Shows the device the buffers for its answers first: without them it drops what it
		// has to say.
		control_poll(&console);
		control_send(&console, NO_PORT, VIRTIO_CONSOLE_DEVICE_READY, 1);
	}
	loop_run(&console.loop);
}

APP(virtio_console, .main = virtio_console_main, .restart = RESTART_ON_FAULT,
    .provides = { "console" },
    .needs = { { .kind = NEED_DEVICE, .name = "virtio,device3", .optional = 1 } });
