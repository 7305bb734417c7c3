// SPDX-License-Identifier: MIT
//
// A VM's network card between a switch that says anything and a guest that does anything: no
// frame's memory is lost or used twice, and the port is never left paused without a frame in hand.
#include "libs/linux/vm/vm_net_fake.h"
#include "libs/virtio/device_fuzz.h"

// The switch sends any message, with or without a folio.
static void any_message(struct reader *r)
{
	static const uint16_t types[] = { MSG_NETDEV_FRAME, MSG_NETDEV_PORT, MSG_ERROR,
		                          MSG_NETDEV_INFO };
	uint8_t how = reader_u8(r);
	struct message m;

	message_init(&m, (how & 4) == 0 ? types[how % 4] : reader_le16(r));
	m.len = reader_u8(r);
	for (uint16_t i = 0; i < m.len; i++)
		m.data[i] = reader_u8(r);
	if ((how & 8) != 0 && folio_create(4096, FOLIO_CONTIGUOUS, &m.handles[0]) == 0) {
		memset(folios[m.handles[0]], 0x55, 4096);
		m.num_handles = 1;
	}
	switch_sends(&m);
}

static void step(void *context, uint8_t op)
{
	struct vm_net *card = context;

	// It could not tell a new switch that it is there: nobody says anything any more.
	if (!card->connected)
		return;
	switch (op % 8) {
	case 0:
		// The switch has memory for its frames.
		folio_error = 0;
		if (wants_messages)
			switch_sends_frame(op * 8u);
		break;
	case 1:
		if (wants_messages)
			switch_answers(&port);
		break;
	case 2:
		if (wants_messages)
			switch_refuses();
		break;
	case 3: card->port.ops->closed(&loop, &card->port); break;
	case 4: send_error = send_error == 0 ? ERR_FULL : 0; break;
	case 5: folio_error = folio_error == 0 ? ERR_NO_MEMORY : 0; break;
	default:
		if (wants_writable)
			card->port.ops->writable(&loop, &card->port);
		break;
	}
	if (card->connected && !wants_messages && !card->rx_waits)
		abort();
}

// The VM ends: what the guest sent is taken, once the switch takes it.
static void end(void *context)
{
	struct vm_net *card = context;

	while (!vm_net_drain(card, NULL, NULL)) {
		send_error = 0;
		if (!wants_writable)
			abort();
		card->port.ops->writable(&loop, &card->port);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_make(data, size);

	forgets_sent = true;
	setup(NULL);
	if (reader_u8(&r) % 4 != 0)
		switch_answers(&port);
	for (uint32_t messages = reader_u8(&r) % 4; messages > 0 && wants_messages; messages--) {
		any_message(&r);
		step(net, 7);
	}
	fuzz_device(guest, &net->device.mmio, r.rest.data, r.rest.len, step, end, net);
	send_error = folio_error = 0;
	virtio_mmio_serve(&net->device.mmio);
	step(net, 7);
	teardown(NULL);
	return 0;
}
