// SPDX-License-Identifier: MIT
//
// Services as scripts see them: connecting to those that are needed, and the clients of those that
// are provided.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "apps/js/native/native_test.h"
#include "apps/js/native/service.h"

static struct environ environment = {
	.num_entries = 3,
	.entries = {
		{ .kind = ENV_CONNECTOR, .name = "needed" },
		{ .kind = ENV_SERVICE, .name = "provided" },
		{ .kind = ENV_CONNECTOR, .name = "missing", .unmet = 1 },
	},
};

static int start(void **state)
{
	(void)state;
	native_test_start(&js_native_service);
	environment.entries[0].handle = fake_connector_create();
	environment.entries[1].handle = fake_service_create();
	js.env = &environment;
	native_test_run(
		"var log = [], failed = e => log.push(`${e.name} ${e.code} ${e.message}`);");
	return 0;
}

static int end(void **state)
{
	(void)state;
	native_test_end();
	return 0;
}

// Whether the script's text is true.
static bool is_true(const char *text)
{
	JSValue value = JS_Eval(js.ctx, text, strlen(text), "test", JS_EVAL_TYPE_GLOBAL);
	int result = JS_ToBool(js.ctx, value);

	JS_FreeValue(js.ctx, value);
	return result == 1;
}

static void test_connects_to_what_is_needed(void **state)
{
	struct message m;
	handle_t provider;

	(void)state;
	native_test_run(
		"var ours; connect('needed').then(c => { ours = c; c.send({type: 'end'}); });");
	native_test_settle();
	provider = fake_provider_accept(environment.entries[0].handle);
	assert_int_equal(channel_recv(provider, &m), 0);
	assert_int_equal(m.type, MSG_END);
	assert_int_equal(js.num_watched, 0);
	handle_close(provider);
}

static void test_accepts_clients_in_their_order(void **state)
{
	handle_t clients[2];
	struct message m;

	(void)state;
	native_test_run("log = [];\n"
	                "for (const n of [1, 2]) accept('provided').then(c => { log.push(c);\n"
	                "  c.send({type: 'error', id: n, error: 0}); });");
	assert_int_equal(js.num_watched, 2);
	native_test_settle();
	assert_true(is_true("log.length === 0"));
	for (uint32_t i = 0; i < 2; i++)
		clients[i] = fake_client_connect(environment.entries[1].handle);
	native_test_settle();
	assert_int_equal(js.num_watched, 0);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(channel_recv(clients[i], &m), 0);
		assert_int_equal(m.data[0], i + 1);
		handle_close(clients[i]);
	}
	// Nobody asks for the third one, which waits.
	clients[0] = fake_client_connect(environment.entries[1].handle);
	native_test_settle();
	assert_true(is_true("log.length === 2"));
	native_test_run("accept('provided').then(c => log.push(c));");
	assert_true(is_true("log.length === 3"));
	handle_close(clients[0]);
}

static void test_refuses_what_the_spec_has_not(void **state)
{
	(void)state;
	native_test_run(
		"log = [];\n"
		"for (const f of [() => connect('provided'), () => accept('needed'),\n"
		"  () => connect('missing'), () => connect({toString() { throw new Error('mine'); }})])\n"
		"  try { f(); } catch (e) { failed(e); }");
	assert_true(is_true("log.length === 4"));
	assert_true(is_true("/does not need the service 'provided'/.test(log[0])"));
	assert_true(is_true("/does not provide the service 'needed'/.test(log[1])"));
	assert_true(is_true("/ERR_NOT_FOUND/.test(log[2])"));
	assert_true(is_true("/mine/.test(log[3])"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connects_to_what_is_needed),
		cmocka_unit_test(test_accepts_clients_in_their_order),
		cmocka_unit_test(test_refuses_what_the_spec_has_not),
	};

	return cmocka_run_group_tests(tests, start, end);
}
