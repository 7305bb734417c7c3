// SPDX-License-Identifier: MIT
// Clients of a container that takes no input: what becomes of them, and of what they have typed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "apps/vmm/vmm.h"
#include "libs/starina/clients_fake.h"

static struct vmm vmm;
static bool takes;         // the container its input
static char typed[64];     // what it has taken
static bool stdin_closed;  // its

// --- The container -------------------------------------------------------------------------------

size_t guest_container_stdin_write(struct guest_container *c, struct span bytes)
{
	(void)c;
	if (!takes)
		return 0;
	assert_true(strlen(typed) + bytes.len < sizeof(typed));
	strncat(typed, (const char *)bytes.data, bytes.len);
	return bytes.len;
}

void guest_container_stdin_close(struct guest_container *c)
{
	(void)c;
	stdin_closed = true;
}

void guest_container_output_resume(struct guest_container *c, enum guest_stream stream)
{
	(void)c;
	(void)stream;
}

bool exec_all_have_output(const struct vmm *v)
{
	(void)v;
	return true;
}

void exec_resume(struct vmm *v)
{
	(void)v;
}

// --- Its clients ---------------------------------------------------------------------------------

static handle_t attach(void)
{
	static const struct msg_vmm_attach order = { .flags = VMM_ATTACH_STDIN |
		                                             VMM_ATTACH_STDOUT };
	handle_t ends[2];

	assert_int_equal(channel_create(ends), 0);
	attach_add(&vmm, &order, ends[0]);
	fake_loop_settle(&vmm.loop);
	return ends[1];
}

static void type(handle_t client, const char *text)
{
	struct message m;

	assert_int_equal(payload_make(&m, text, strlen(text)), 0);
	fake_send(client, &m);
	fake_loop_settle(&vmm.loop);
}

static void leave(handle_t client)
{
	handle_close(client);
	fake_loop_settle(&vmm.loop);
}

// Whether the client gets what the container writes now.
static bool hears(handle_t client)
{
	struct message m;
	handle_t handle;

	assert_int_equal(
		attach_output(&vmm, GUEST_STDOUT, (struct span){ (const uint8_t *)"x", 1 }), 1);
	return fake_take(client, &m, &handle) && m.type == MSG_DATA;
}

static int setup(void **state)
{
	static int container;

	(void)state;
	vmm = (struct vmm){ .state = VMM_RUNNING,
		            .flags = VMM_OPEN_STDIN,
		            .container = (struct guest_container *)&container };
	list_init(&vmm.execs);
	takes = stdin_closed = false;
	typed[0] = '\0';
	return loop_init(&vmm.loop) == 0 && attach_init(&vmm) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	fake_reset();
	return 0;
}

static void input_outlives_its_client(void **state)
{
	handle_t client = attach();

	(void)state;
	type(client, "one ");
	type(client, "two ");
	leave(client);
	assert_string_equal(typed, "");
	takes = true;
	attach_input(&vmm);
	fake_loop_settle(&vmm.loop);
	assert_string_equal(typed, "one two ");
	for (size_t i = 0; i < VMM_MAX_ATTACHED; i++)
		assert_false(vmm.attached[i].used);
}

static void who_is_gone_makes_room(void **state)
{
	handle_t here = attach(), next;

	(void)state;
	for (size_t i = 1; i < 3 * VMM_MAX_ATTACHED; i++) {
		handle_t client = attach();

		assert_true(hears(client));
		type(client, "more");
		type(client, "and more");
		leave(client);
	}
	next = attach();
	assert_true(hears(here) && hears(next));
	assert_false(stdin_closed);
}

static void all_are_here(void **state)
{
	handle_t clients[VMM_MAX_ATTACHED];

	(void)state;
	for (size_t i = 0; i < VMM_MAX_ATTACHED; i++) {
		clients[i] = attach();
		type(clients[i], "more");
	}
	assert_false(hears(attach()));
	assert_true(hears(clients[0]));
}

// The first to go with its input unread ends the container's, as one does whose input was read.
static void input_that_is_one_clients(void **state)
{
	(void)state;
	vmm.flags |= VMM_STDIN_ONCE;
	for (size_t i = 0; i <= VMM_MAX_ATTACHED; i++) {
		handle_t client = attach();

		assert_int_equal(stdin_closed, i == VMM_MAX_ATTACHED);
		type(client, "more");
		type(client, "and more");
		leave(client);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(input_outlives_its_client, setup, teardown),
		cmocka_unit_test_setup_teardown(who_is_gone_makes_room, setup, teardown),
		cmocka_unit_test_setup_teardown(all_are_here, setup, teardown),
		cmocka_unit_test_setup_teardown(input_that_is_one_clients, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
