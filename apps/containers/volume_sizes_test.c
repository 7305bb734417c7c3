// SPDX-License-Identifier: MIT
// Who asks how large volumes are waits for that alone: the app answers others meanwhile.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apps/containers/containers.h"
#include "libs/files/provider_fake.h"

#define FOLDER 0040755u
#define FILE_MODE 0100644u
#define NUM_VOLUMES 3u

static struct environ env;
static struct containers all;
static struct volume volumes[NUM_VOLUMES];
static char *const names[NUM_VOLUMES] = { "first", "second", "third" };
static struct provider_fake provider;
static handle_t connector;

static uint32_t answered[8];
static unsigned num_answered;

void show_usage_now(struct containers *containers, const struct usage_question *question)
{
	(void)containers;
	answered[num_answered++] = question->request;
	// What follows is asked by hand.
	for (unsigned i = 0; i < NUM_VOLUMES; i++)
		volumes[i].created_at = (nsec_t)volume_sizes_of(&all.sizes, names[i]);
}

error_t volumes_refresh(struct containers *containers)
{
	(void)containers;
	return 0;
}

static int setup(void **state)
{
	(void)state;
	fake_reset();
	memset(&all, 0, sizeof(all));
	env = (struct environ){ .num_entries = 1 };
	num_answered = 0;
	all.env = &env;
	list_init(&all.volumes);
	assert_int_equal(loop_init(&all.loop), 0);
	connector = fake_connector_create();
	env.entries[0].kind = ENV_CONNECTOR;
	env.entries[0].handle = connector;
	str_copy(env.entries[0].name, "volumes", sizeof(env.entries[0].name));
	provider_fake_init(&provider, connector);
	for (unsigned i = 0; i < NUM_VOLUMES; i++) {
		uint32_t folder = provider_fake_make(&provider, 1, names[i], FOLDER, "", 0);

		volumes[i] = (struct volume){ .name = names[i] };
		list_push_back(&all.volumes, &volumes[i].entry);
		provider_fake_make(&provider, folder, "a", FILE_MODE, "0123456789", i + 1);
	}
	volume_sizes_init(&all);
	return 0;
}

// Nothing is left, and nobody is asked any more.
static int teardown(void **state)
{
	(void)state;
	assert_null(all.sizes.count);
	assert_false(all.sizes.started);
	assert_int_equal(fake_num_allocated(), 0);
	provider_fake_deinit(&provider);
	return 0;
}

static void ask(uint32_t request, struct client *client)
{
	struct usage_question question = { .client = client, .request = request };

	assert_int_equal(volume_sizes_ask(&all, &question), 0);
}

// The app and the server of files take turns; the app comes back to its loop after each.
static unsigned settle(void)
{
	unsigned turns = 0;

	do {
		fake_loop_settle(&all.loop);
		turns++;
	} while (provider_fake_serve(&provider));
	return turns;
}

static void check_sizes(nsec_t first, nsec_t second, nsec_t third)
{
	assert_int_equal(volumes[0].created_at, first);
	assert_int_equal(volumes[1].created_at, second);
	assert_int_equal(volumes[2].created_at, third);
}

static void others_are_answered_meanwhile(void **state)
{
	(void)state;
	ask(1, NULL);
	assert_int_equal(num_answered, 0);
	assert_true(settle() > NUM_VOLUMES);
	assert_int_equal(num_answered, 1);
	check_sizes(1, 2, 3);
}

static void who_asks_in_the_midst(void **state)
{
	(void)state;
	ask(1, NULL);
	fake_loop_settle(&all.loop);
	ask(2, NULL);
	assert_int_equal(num_answered, 0);
	settle();
	assert_int_equal(num_answered, 2);
	assert_int_equal(answered[0], 1);
	assert_int_equal(answered[1], 2);
	// The session before has ended.
	provider_fake_die(&provider);
	ask(3, NULL);
	settle();
	assert_int_equal(num_answered, 3);
	check_sizes(1, 2, 3);
}

// With any of the questions on its way; false: there were no more.
static bool dies_after(unsigned turns)
{
	ask(1, NULL);
	for (unsigned i = 0; i < turns; i++) {
		fake_loop_settle(&all.loop);
		provider_fake_serve(&provider);
	}
	fake_loop_settle(&all.loop);
	if (num_answered > 0)
		return false;
	provider_fake_die(&provider);
	settle();
	assert_int_equal(num_answered, 1);
	check_sizes(1, 2, 3);
	num_answered = 0;
	// The session before has ended.
	provider_fake_die(&provider);
	return true;
}

static void the_server_dies(void **state)
{
	unsigned turns = 1;

	(void)state;
	while (dies_after(turns))
		turns++;
	assert_true(turns > NUM_VOLUMES);
}

static void it_dies_each_time(void **state)
{
	(void)state;
	ask(1, NULL);
	for (unsigned i = 0; num_answered == 0 && i < 1000; i++) {
		fake_loop_settle(&all.loop);
		if (provider.session == HANDLE_NONE)
			provider_fake_serve(&provider);
		else
			provider_fake_die(&provider);
	}
	assert_int_equal(num_answered, 1);
	check_sizes((nsec_t)-1, (nsec_t)-1, (nsec_t)-1);
}

static void a_client_that_goes(void **state)
{
	struct client *client = (struct client *)&env;

	(void)state;
	ask(1, client);
	ask(2, client);
	fake_loop_settle(&all.loop);
	volume_sizes_drop(&all, client, 1);
	assert_non_null(all.sizes.count);
	volume_sizes_drop(&all, NULL, 0);
	assert_non_null(all.sizes.count);
	volume_sizes_drop(&all, client, 0);
	assert_null(all.sizes.count);
	settle();
	assert_int_equal(num_answered, 0);
}

static void no_volumes(void **state)
{
	(void)state;
	list_init(&all.volumes);
	ask(1, NULL);
	assert_int_equal(num_answered, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(others_are_answered_meanwhile),
		TEST(who_asks_in_the_midst),
		TEST(the_server_dies),
		TEST(it_dies_each_time),
		TEST(a_client_that_goes),
		TEST(no_volumes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
