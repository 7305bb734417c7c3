// SPDX-License-Identifier: MIT
// What is asked of a folder is asked again of the next server of files, and only then.
#include "libs/files/steady.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libs/files/provider_fake.h"
#include "libs/starina/alloc.h"

static struct provider_fake provider;
static struct steady_folder steady;
static handle_t connector;

static void serve(void)
{
	provider_fake_serve(&provider);
}

static int setup(void **state)
{
	(void)state;
	fake_reset();
	connector = fake_connector_create();
	provider_fake_init(&provider, connector);
	fake_while_waiting = serve;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	steady_close(&steady);
	provider_fake_deinit(&provider);
	fake_while_waiting = NULL;
	handle_close(connector);
	assert_int_equal(fake_num_handles(), 0);
	assert_int_equal(fake_num_allocated(), 0);
	return 0;
}

struct question {
	unsigned asked;
	unsigned deaths;  // that are left, in the midst of it
};

static error_t read_it(struct folder *folder, void *context)
{
	struct question *question = context;
	uint8_t *bytes;
	size_t len;
	error_t err;

	question->asked++;
	if (question->deaths > 0) {
		question->deaths--;
		provider_fake_die(&provider);
	}
	err = folder_read(folder, "f", 100, &bytes, &len);
	if (err == 0)
		heap_free(bytes);
	return err;
}

static error_t ask(struct question *question)
{
	return steady_ask(&steady, connector, "files:test", read_it, question);
}

static void deaths(void **state)
{
	struct question question = { .deaths = 2 };

	(void)state;
	assert_int_not_equal(provider_fake_make(&provider, 1, "f", 0100644, "x", 1), 0);
	assert_int_equal(ask(&question), 0);
	assert_int_equal(question.asked, 3);
	// In between, too.
	provider_fake_die(&provider);
	assert_int_equal(ask(&question), 0);
	question = (struct question){ .deaths = 3 };
	assert_int_equal(ask(&question), ERR_PEER_CLOSED);
	assert_int_equal(question.asked, 3);
	assert_int_equal(ask(&question), 0);
}

static void what_is_wrong(void **state)
{
	struct question question = { 0 };
	struct folder *folder;

	(void)state;
	assert_int_equal(ask(&question), ERR_NOT_FOUND);
	assert_int_equal(question.asked, 1);
	// The session is the same one.
	folder = steady.folder;
	assert_non_null(folder);
	assert_int_equal(ask(&question), ERR_NOT_FOUND);
	assert_ptr_equal(steady.folder, folder);
	// A share that is not there is not asked.
	steady_close(&steady);
	provider_fake_die(&provider);
	provider.refuses = true;
	assert_int_equal(ask(&question), ERR_NOT_FOUND);
	assert_int_equal(question.asked, 2);
	assert_null(steady.folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(deaths, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_wrong, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
