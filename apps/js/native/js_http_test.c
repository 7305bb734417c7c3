// SPDX-License-Identifier: MIT
//
// What a handler of requests sees of a body whose request is answered before all of it came.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "apps/js/native/native.h"
#include "apps/js/native/native_test.h"
#include "libs/http/tcpip_fake.h"
#include "libs/starina/clients_fake.h"

static struct environ environment = {
	.num_entries = 1,
	.entries = { { .kind = ENV_CONNECTOR, .name = "tcpip" } },
};
static handle_t client;

static void settle(void)
{
	for (int i = 0; i < 4; i++) {
		js_run_jobs();
		native_test_settle();
		tcpip_fake_serve(environment.entries[0].handle);
	}
}

// A server whose handler begins to read, answers, and reads on.
static int start(void **state)
{
	(void)state;
	native_test_start(&js_native_http);
	environment.entries[0].handle = fake_connector_create();
	js.env = &environment;
	native_test_run("var said = '';\n"
	                "const note = e => e.read().then(\n"
	                "  b => { said += b ? b.length + ' ' : 'end'; if (b) note(e); },\n"
	                "  error => { said += error.code; });\n"
	                "const server = serve('tcp-listen:*:80', e => {\n"
	                "  note(e); e.start(200, '', 0); }, 8);\n");
	settle();
	tcpip_fake_connect(&client);
	settle();
	return 0;
}

static int end(void **state)
{
	(void)state;
	native_test_run("server.close()");
	fake_close(&client);
	settle();
	tcpip_fake_restart(true);
	native_test_end();
	return 0;
}

static void client_says(const char *text)
{
	tcpip_fake_say(client, text, strlen(text));
	settle();
}

static void assert_said(const char *expected)
{
	JSValue value = JS_Eval(js.ctx, "said", 4, "test", JS_EVAL_TYPE_GLOBAL);
	const char *said = JS_ToCString(js.ctx, value);

	assert_string_equal(said, expected);
	JS_FreeCString(js.ctx, said);
	JS_FreeValue(js.ctx, value);
}

#define HEAD "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: "

static void a_body_that_was_there_is_whole(void **state)
{
	(void)state;
	client_says(HEAD "4\r\n\r\nhalf");
	assert_said("4 end");
}

static void the_rest_of_a_body_is_not_taken_for_its_end(void **state)
{
	(void)state;
	client_says(HEAD "8\r\n\r\nhalf");
	assert_said("4 ");
	client_says("rest");
	assert_said("4 ERR_PEER_CLOSED");
}

static void nor_is_the_end_of_its_client(void **state)
{
	(void)state;
	client_says(HEAD "8\r\n\r\nhalf");
	fake_close(&client);
	settle();
	assert_said("4 ERR_PEER_CLOSED");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_body_that_was_there_is_whole, start, end),
		cmocka_unit_test_setup_teardown(the_rest_of_a_body_is_not_taken_for_its_end, start,
		                                end),
		cmocka_unit_test_setup_teardown(nor_is_the_end_of_its_client, start, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
