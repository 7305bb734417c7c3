// SPDX-License-Identifier: MIT
//
// Driver of the entropy device (virtio 1.2, 5.4): feeds the kernel's random generator at start and
// now and then.
#include "libs/abi/app.h"
#include "libs/base/string.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/loop.h"
#include "libs/starina/syscall.h"
#include "libs/virtio/mmio.h"

#define SEED_BYTES 64u
#define SEED_INTERVAL (600 * NSEC_PER_SEC)
#define QUEUE_SIZE 4u

struct rng_app {
	struct loop loop;
	struct virtio_device device;
	struct virtqueue queue;
	struct dma_buffer buffer;
	struct source interrupt;
	struct source timer;
	handle_t system;
	bool asked;   // a request is with the device
	bool seeded;  // once at least
	size_t have;  // bytes of this round
};

static struct rng_app app;

// The device may give less than it was asked for: the rest is asked for again.
static void rng_ask(void)
{
	struct virtqueue_buffer buffer = {
		.paddr = app.buffer.paddr + app.have,
		.len = (uint32_t)(SEED_BYTES - app.have),
		.device_writes = true,
	};

	if (app.asked || virtqueue_push(&app.queue, &buffer, 1, &app) != 0)
		return;
	app.asked = true;
	virtio_queue_kick(&app.device, VIRTIO_ENTROPY_QUEUE, &app.queue);
}

static void timer_arm(void)
{
	nsec_t now = 0;
	error_t err = clock_get(CLOCK_MONOTONIC, &now);

	if (err == 0)
		err = timer_set(app.timer.handle, now + SEED_INTERVAL);
	assert(err == 0);
}

static void rng_seed(void)
{
	error_t err = random_seed(app.system, app.buffer.bytes, SEED_BYTES);

	memset(app.buffer.bytes, 0, SEED_BYTES);
	app.have = 0;
	if (err != 0)
		log_error("cannot seed the random generator: %s", error_text(err));
	else if (!app.seeded)
		log_info("seeded the random generator with %u bytes", SEED_BYTES);
	app.seeded = true;
	timer_arm();
}

static error_t rng_take(void)
{
	uint32_t written;
	void *token;
	error_t err;

	while ((err = virtqueue_pop(&app.queue, &token, &written)) == 0) {
		app.asked = false;
		app.have += written;
		if (app.have < SEED_BYTES && written > 0)
			rng_ask();
		else if (app.have == SEED_BYTES)
			rng_seed();
		else
			timer_arm();  // it has none now
	}
	return err;
}

static void interrupt_signalled(struct loop *loop, struct source *source)
{
	error_t err;

	(void)loop;
	virtio_interrupt_take(&app.device);
	do {
		err = rng_take();
	} while (err == ERR_EMPTY && !virtqueue_enable_interrupts(&app.queue, 1));
	if (err != ERR_EMPTY) {
		virtio_device_fail(&app.device, "it broke its queue");
		process_exit(1);
	}
	err = interrupt_ack(source->handle);
	assert(err == 0);
}

static const struct source_ops interrupt_ops = { .signalled = interrupt_signalled };

static void timer_signalled(struct loop *loop, struct source *source)
{
	error_t err = timer_set(source->handle, NSEC_NEVER);

	(void)loop;
	assert(err == 0);
	rng_ask();
}

static const struct source_ops timer_ops = { .signalled = timer_signalled };

static error_t rng_start(const struct env_entry *entry)
{
	handle_t timer;
	error_t err;

	err = virtio_device_open(&app.device, entry, VIRTIO_ID_ENTROPY, "entropy device");
	if (err == 0)
		err = virtio_device_negotiate(&app.device, 0);
	if (err == 0)
		err = virtio_queue_setup(&app.device, VIRTIO_ENTROPY_QUEUE, QUEUE_SIZE, &app.queue);
	if (err == 0)
		err = dma_alloc(SEED_BYTES, &app.buffer);
	if (err == 0)
		err = loop_init(&app.loop);
	if (err == 0)
		err = loop_add(&app.loop, &app.interrupt, entry->interrupt, &interrupt_ops, NULL);
	if (err == 0)
		err = timer_create(&timer);
	if (err == 0)
		err = loop_add(&app.loop, &app.timer, timer, &timer_ops, NULL);
	return err;
}

static void virtio_rng_main(const struct environ *env)
{
	const struct env_entry *entry = environ_device(env, "virtio,device4", 0);
	error_t err;

	app.system = environ_system(env);
	if (entry == NULL)
		return;
	err = rng_start(entry);
	if (err != 0) {
		log_error("cannot use the entropy device: %s", error_text(err));
		process_exit(1);
	}
	virtio_device_start(&app.device);
	rng_ask();
	loop_run(&app.loop);
}

APP(virtio_rng, .main = virtio_rng_main, .restart = RESTART_ON_FAULT,
    .needs = { { .kind = NEED_DEVICE, .name = "virtio,device4", .optional = 1 },
               { .kind = NEED_SYSTEM } });
