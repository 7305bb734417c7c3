// SPDX-License-Identifier: MIT
//
// The entropy driver and a hostile device, over libs/virtio/mmio_fake.c. An input is a byte of
// features and a list of steps. A driver that gives up on its device ends the input.
#include <stdlib.h>

#include "libs/starina/clients_fake.h"
#include "libs/virtio/mmio_fake.h"

// What the app waits in: the fuzzer turns the loop.
#define loop_run(loop) (void)(loop)
#include "apps/virtio_rng/main.c"
#undef loop_run

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned seeds;

// Only whole seeds may come.
error_t random_seed(handle_t system, const void *bytes, size_t len)
{
	volatile uint8_t sum = 0;

	(void)system;
	if (len != SEED_BYTES)
		abort();
	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + ((const uint8_t *)bytes)[i]);
	seeds++;
	return seeds % 8 == 7 ? ERR_ACCESS : 0;
}

static void begin(uint8_t features)
{
	static struct environ env;

	fake_reset();
	fake_virtio_reset();
	memset(&app, 0, sizeof(app));
	fake_virtio = (struct fake_virtio){ .num_queues = 1,
		                            .features = features & 1 ? VIRTIO_F_EVENT_IDX : 0 };
	env = (struct environ){ .num_entries = 2,
		                .entries = { { .kind = ENV_DEVICE,
		                               .interrupt = fake_interrupt_create(),
		                               .name = "virtio,device4" },
		                             { .kind = ENV_SYSTEM } } };
	env.entries[1].handle = fake_service_create();
	virtio_rng_main(&env);
}

enum { USE, TIME, INTERRUPT, NUM_STEPS };

static void step(unsigned what, uint8_t how, const uint8_t *data, size_t len)
{
	switch (what) {
	case USE:
		(void)fake_virtio_use(VIRTIO_ENTROPY_QUEUE, data, len, how % 80,
		                      (how & 0xe0) == 0xe0 ? how : 0);
		break;
	case TIME: fake_time_pass((nsec_t)how * 10 * NSEC_PER_SEC); break;
	default: fake_interrupt_raise(app.interrupt.handle); break;
	}
}

static void turn(void)
{
	fake_loop_settle(&app.loop);
	if (app.have > SEED_BYTES)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0 || setjmp(fake_exit) != 0)
		return 0;
	begin(data[0]);
	fake_steps(data + 1, size - 1, NUM_STEPS, step, turn);
	return 0;
}
