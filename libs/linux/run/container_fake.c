// SPDX-License-Identifier: MIT
#include "libs/linux/run/container_fake.h"

#include <stdlib.h>
#include <string.h>

#include "libs/linux/run/guest_container.h"
#include "libs/starina/alloc.h"
#include "libs/starina/clients_fake.h"

struct guest_container {
	const struct guest_container_ops *ops;
	void *context;
	handle_t root, writable;
	bool runs, started, ended, killed, root_lost, writable_lost;
	bool out_held[2];  // of stdout and stderr
	bool stdin_refused, stdin_closed;
	char error[16];  // goes with the container
};

static struct guest_container *containers[CONTAINER_FAKE_MAX];
static unsigned num_places;

void container_fake_reset(unsigned max)
{
	memset(containers, 0, sizeof(containers));
	num_places = max;
}

unsigned container_fake_count(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < num_places; i++)
		count += containers[i] != NULL;
	return count;
}

static struct guest_container **place_of(const struct guest_container *c)
{
	for (unsigned i = 0; i < num_places; i++)
		if (containers[i] == c)
			return &containers[i];
	abort();
}

error_t guest_container_create(struct loop *loop, const struct guest_container_config *config,
                               const struct guest_container_ops *ops, void *context,
                               struct guest_container **out)
{
	// A free place.
	struct guest_container **place = place_of(NULL);
	struct guest_container *container = heap_alloc(sizeof(*container));

	(void)loop;
	if (container == NULL || config->config.len == 0) {
		if (config->writable_disk != HANDLE_NONE)
			handle_close(config->writable_disk);
		heap_free(container);
		return ERR_NO_MEMORY;
	}
	*container = (struct guest_container){ .ops = ops,
		                               .context = context,
		                               .root = config->root_disk,
		                               .writable = config->writable_disk };
	*out = *place = container;
	return 0;
}

static void check_is_there(const struct guest_container *c)
{
	if (c == NULL || *place_of(c) == NULL)
		abort();
}

void guest_container_start(struct guest_container *c)
{
	check_is_there(c);
	if (c->runs)
		abort();
	c->runs = true;
}

size_t guest_container_stdin_write(struct guest_container *c, struct span bytes)
{
	volatile uint8_t sum = 0;

	check_is_there(c);
	for (size_t i = 0; i < bytes.len; i++)
		sum = (uint8_t)(sum + bytes.data[i]);
	c->stdin_refused = bytes.len > 0 && (bytes.data[0] & 1) != 0 && !c->stdin_refused;
	return c->stdin_refused ? bytes.len / 2 : bytes.len;
}

void guest_container_stdin_close(struct guest_container *c)
{
	check_is_there(c);
	c->stdin_closed = true;
}

void guest_container_output_close(struct guest_container *c, enum guest_stream stream)
{
	check_is_there(c);
	c->out_held[stream == GUEST_STDOUT ? 0 : 1] = false;
}

void guest_container_output_resume(struct guest_container *c, enum guest_stream stream)
{
	check_is_there(c);
	c->out_held[stream == GUEST_STDOUT ? 0 : 1] = false;
}

static void reopened(bool *lost, handle_t *disk, handle_t channel)
{
	if (!*lost)
		abort();
	*lost = false;
	fake_close(disk);
	*disk = channel;
}

void guest_container_root_reopened(struct guest_container *c, handle_t channel)
{
	check_is_there(c);
	reopened(&c->root_lost, &c->root, channel);
}

void guest_container_writable_reopened(struct guest_container *c, handle_t channel)
{
	check_is_there(c);
	reopened(&c->writable_lost, &c->writable, channel);
}

bool guest_container_signal_is_ignored(uint32_t number)
{
	return number == 17 || number == 0;
}

void guest_container_signal(struct guest_container *c, uint32_t number)
{
	check_is_there(c);
	if (number > 64)
		abort();
}

void guest_container_resize(struct guest_container *c, uint16_t rows, uint16_t columns)
{
	(void)rows;
	(void)columns;
	check_is_there(c);
}

void guest_container_stats(struct guest_container *c, struct vcpu_stats *out)
{
	check_is_there(c);
	*out = (struct vcpu_stats){ 0 };
}

void guest_container_destroy(struct guest_container *c)
{
	check_is_there(c);
	if (!c->ended)
		abort();
	fake_close(&c->root);
	fake_close(&c->writable);
	*place_of(c) = NULL;
	heap_free(c);
}

void guest_container_kill(struct guest_container *c)
{
	check_is_there(c);
	c->killed = true;
}

bool guest_container_address(const struct guest_container *c, struct guest_address *out)
{
	check_is_there(c);
	*out = (struct guest_address){ .network.prefix_len = 24 };
	return c->started;
}

static void say(struct guest_container *container, uint8_t how, const uint8_t *data, size_t len)
{
	static uint8_t bytes[40000];
	struct span text = { .data = (how & 64) != 0 ? bytes : data,
		             .len = (how & 64) != 0 ? sizeof(bytes) : len };
	size_t taken;

	if (container->out_held[how & 1])
		return;
	taken = container->ops->output(container->context,
	                               (how & 1) != 0 ? GUEST_STDERR : GUEST_STDOUT, text);
	if (taken > text.len)
		abort();
	container->out_held[how & 1] = taken < text.len;
}

static void lose_disk(struct guest_container *container, bool root)
{
	bool *lost = root ? &container->root_lost : &container->writable_lost;

	if (*lost || (root ? container->root : container->writable) == HANDLE_NONE)
		return;
	*lost = true;
	if (root)
		container->ops->root_lost(container->context);
	else
		container->ops->writable_lost(container->context);
}

static void ends(struct guest_container *container, int status, bool failed)
{
	container->ended = true;
	strcpy(container->error, "it failed");
	container->ops->ended(container->context, status, failed ? container->error : NULL);
}

bool container_fake_kills(void)
{
	bool killed = false;

	for (unsigned i = 0; i < num_places; i++) {
		if (containers[i] == NULL || !containers[i]->killed)
			continue;
		ends(containers[i], 137, false);
		killed = true;
	}
	return killed;
}

void container_fake_does(unsigned place, uint8_t how, const uint8_t *data, size_t len)
{
	struct guest_container *container = containers[place % num_places];

	if (container == NULL || !container->runs)
		return;
	switch (how >> 4 & 3) {
	case 0:
		if (!container->started)
			container->ops->started(container->context, 1);
		container->started = true;
		break;
	case 1: say(container, how, data, len); break;
	case 2:
		if ((how & 2) != 0) {
			lose_disk(container, (how & 1) != 0);
		} else if (container->stdin_refused) {
			container->ops->input_ready(container->context);
		}
		break;
	default:
		// All its output was taken.
		if (container->out_held[0] || container->out_held[1])
			break;
		ends(container, how, (how & 1) != 0);
		break;
	}
}
