// SPDX-License-Identifier: MIT
//
// Channels and messages as scripts see them, over the fake system.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "apps/js/native/channel.h"
#include "apps/js/native/message_fields.h"
#include "apps/js/native/native_test.h"

static const char prelude[] =
	"var log = [], a, b, c, d, e, f;\n"
	"function same(a, b) {\n"
	"  const text = v => JSON.stringify(v, (k, x) => typeof x === 'bigint' ? x + 'n' :\n"
	"    x instanceof Uint8Array ? 'u8:' + Array.from(x) : x);\n"
	"  if (text(a) !== text(b)) throw new Error(text(a) + ' is not ' + text(b));\n"
	"}\n"
	"function refuses(fn, what) {\n"
	"  try { fn(); } catch (e) {\n"
	"    if (`${e.name} ${e.code} ${e.message}`.includes(what)) return;\n"
	"    throw new Error(`${e.name} ${e.code} ${e.message}, not ${what}`);\n"
	"  }\n"
	"  throw new Error('nothing was thrown: ' + what);\n"
	"}\n"
	"var bytes = (...b) => new Uint8Array(b);\n";

static int start(void **state)
{
	(void)state;
	native_test_start(&js_native_channel);
	native_test_run(prelude);
	return 0;
}

static int end(void **state)
{
	(void)state;
	native_test_end();
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	native_test_run("log = []; for (const x of [a, b, c, d, e, f]) if (x) x.close();\n"
	                "a = b = c = d = e = f = undefined;");
	native_test_settle();
	native_test_run("log = [];");
	JS_RunGC(js.rt);
	js_handle_counts.open = 0;
	return 0;
}

static void test_sends_and_receives(void **state)
{
	(void)state;
	native_test_run("var [a, b] = channel();\n"
	                "a.send({type: 'echo', id: 2n ** 64n - 1n, tail: bytes(1, 2)});\n"
	                "a.send({type: 'error', id: 7, error: -65, tail: 'späť'});\n"
	                "a.send({type: 'end'});\n"
	                "b.recv().then(m => log.push(m));\n"
	                "b.recv().then(m => log.push(m));\n"
	                "b.recv().then(m => log.push(m));\n");
	native_test_settle();
	native_test_run(
		"same(log, [{type: 'echo', id: 2n ** 64n - 1n, tail: bytes(1, 2), handles: []},\n"
		"  {type: 'error', id: 7, error: -65, tail: 'späť'}, {type: 'end'}]);\n");
}

static void test_structs_and_arrays_travel(void **state)
{
	(void)state;
	native_test_run(
		"var [a, b] = channel();\n"
		"var network = {address: bytes(10, 0, 2, 15), gateway: bytes(10, 0, 2, 2),\n"
		"  dns: bytes(1, 2, 3, 4, 5, 6, 7, 8), prefix_len: 24};\n"
		"var entry = n => ({network: n, address: bytes(n, 0, 0, 1), prefix_len: 16});\n"
		"var sent = [{type: 'netdev_port', mac: bytes(1, 2, 3, 4, 5, 6), mtu: 1500, features: 0,\n"
		"  network}, {type: 'blkdev_info', num_sectors: 5n, flags: 4294967295, serial: 'boot'},\n"
		"  {type: 'blkdev_write', sector: 1n, id: 1, offset: 0, length: 512, handles: []}];\n"
		"for (const m of sent) a.send(m);\n"
		"a.send({type: 'netdev_networks', networks: {reach: 3, mac: new Uint8Array(6),\n"
		"  entries: [entry(1), entry(2)]}});\n"
		"(async () => { for await (const m of b) log.push(m); log.push('end'); })();\n");
	native_test_settle();
	native_test_run("same(log.slice(0, 3), sent);\n"
	                "var entries = log[3].networks.entries;\n"
	                "same([entries.length, entries[0], entries[1], entries[2].network],\n"
	                "  [16, entry(1), entry(2), 0]);\n"
	                "a.close();\n");
	native_test_settle();
	native_test_run("same(log[4], 'end');");
}

static void test_refuses_what_is_no_message(void **state)
{
	(void)state;
	native_test_run(
		"var [a, b] = channel();\n"
		"var no = (m, what) => refuses(() => a.send(m), what);\n"
		"no(1, 'a message is an object');\n"
		"no({}, 'a message has a type');\n"
		"no({type: 'ecco'}, \"no message of type 'ecco'\");\n"
		"no({type: 'echo'}, 'echo.id: is missing');\n"
		"no({type: 'echo', id: 1}, 'echo.id: a bigint');\n"
		"no({type: 'echo', id: -1n}, 'echo.id: not within');\n"
		"no({type: 'echo', id: 2n ** 64n}, 'echo.id: not within');\n"
		"no({type: 'echo', id: 1n, more: 1}, \"echo has no field 'more'\");\n"
		"no({type: 'echo', id: 1n, tail: 'text'}, 'echo.tail: a Uint8Array');\n"
		"no({type: 'echo', id: 1n, tail: new Uint8Array(249)}, 'ERR_TOO_LARGE echo.tail');\n"
		"no({type: 'echo', id: 1n, handles: [1]}, 'not a handle');\n"
		"no({type: 'echo', id: 1n, handles: [1, 2, 3, 4, 5]}, 'echo.handles: too many');\n"
		"no({type: 'end', tail: ''}, 'end.tail: this message has none');\n"
		"no({type: 'error', id: 4294967296, error: 0}, 'error.id: not an integer within 0 to 4294967295');\n"
		"no({type: 'error', id: 1.5, error: 0}, 'error.id: not an integer');\n"
		"no({type: 'error', id: NaN, error: 0}, 'error.id: not an integer');\n"
		"no({type: 'error', id: 1, error: 2147483648}, 'error.error: not an integer within -2147483648');\n"
		"no({type: 'error', id: 1, error: '0'}, 'error.error: a number');\n"
		"no({type: 'error', id: 1, error: 0, tail: 'x'.repeat(249)}, 'ERR_TOO_LARGE error.tail');\n"
		"no({type: 'netdev_port', mac: bytes(1), mtu: 1, features: 1, network: {}}, 'netdev_port.mac');\n"
		"no({type: 'netdev_port', mac: new Uint16Array(3), mtu: 1, features: 1, network: {}}, '.mac');\n"
		"no({type: 'netdev_network', network: 1}, 'netdev_network.network: an object');\n"
		"no({type: 'netdev_network', network: {}}, 'netdev_network.address: is missing');\n"
		"no({type: 'apps_stop', id: 1, flags: 0, name: 'x'.repeat(24)}, 'ERR_TOO_LARGE apps_stop.name');\n"
		"no({type: 'apps_stop', id: 1, flags: 0, name: 'a\\0b'}, 'apps_stop.name: a text without NUL');\n"
		"no({type: 'unknown', number: -1}, 'unknown.number');\n"
		"no({type: 'unknown', data: new Uint8Array(257)}, 'ERR_TOO_LARGE unknown.data');\n"
		"a.send({type: 'apps_stop', id: 1, flags: 0, name: 'x'.repeat(23)});\n"
		"b.recv().then(m => log.push(m));\n");
	native_test_settle();
	native_test_run("same(log.length, 1); same(log[0].name.length, 23);");
}

static void test_unknown_and_malformed(void **state)
{
	(void)state;
	native_test_run("var [a, b] = channel(); var [c, d] = channel();\n"
	                "a.send({type: 'unknown', number: 4000, data: bytes(9), handles: [c]});\n"
	                "a.send({type: 'unknown', number: 16, data: bytes(1, 2, 3)});\n"
	                "a.send({type: 'unknown', number: 5, data: bytes(0, 0, 0, 0, 1)});\n"
	                "same(c.closed, true);\n"
	                "b.onMessage(m => log.push(m));\n");
	native_test_settle();
	native_test_run(
		"same(log.map(m => [m.type, m.number, m.data.length, m.handles.length]),\n"
		"  [['unknown', 4000, 1, 1], ['unknown', 16, 3, 0], ['unknown', 5, 5, 0]]);\n"
		"log[0].handles[0].send({type: 'end'});\n"
		"d.recv().then(m => log.push(m));\n");
	native_test_settle();
	native_test_run("same(log[3], {type: 'end'});");
}

// What a script was given, it can put into a message of its own.
static void test_texts_that_are_none_are_malformed(void **state)
{
	(void)state;
	native_test_run(
		"var [a, b] = channel();\n"
		"var raw = (number, ...data) => a.send({type: 'unknown', number, data: bytes(...data)});\n"
		"var error = [1, 0, 0, 0, 0, 0, 0, 0], stop = [1, 0, 0, 0, 0, 0, 0, 0];\n"
		"a.send({type: 'error', id: 1, error: 0, tail: 'ä'});\n"
		"a.send({type: 'apps_stop', id: 1, flags: 0, name: 'ä'});\n"
		"a.send({type: 'end'});\n"
		"b.onMessage(m => log.push(m));\n");
	native_test_settle();
	native_test_run("same(log.map(m => m.tail ?? m.name ?? m.type), ['ä', 'ä', 'end']);\n"
	                "log = [];\n");
	for (size_t i = 0; i < num_message_rows; i++) {
		bool is_stop = strcmp(message_rows[i].name, "apps_stop") == 0;
		char script[512];

		if (!is_stop && strcmp(message_rows[i].name, "error") != 0)
			continue;
		snprintf(script, sizeof(script),
		         is_stop ? "raw(%u, ...stop, 0xff, ...Array(23).fill(0));\n"
		                   "raw(%u, ...stop, ...Array(24).fill(65));\n"
		                   "raw(%u, ...stop, 65, 0, 0xff, ...Array(21).fill(0));\n"
		                 : "raw(%u, ...error, 0xff);\n"
		                   "raw(%u, ...error, 65, 0, 65);\n"
		                   "raw(%u, ...error, 65);\n",
		         message_rows[i].number, message_rows[i].number, message_rows[i].number);
		native_test_run(script);
		native_test_settle();
		native_test_run(
			is_stop ? "same(log.map(m => m.name ?? m.type), ['unknown', 'unknown', 'A']);"
				  "log = [];"
				: "same(log.map(m => m.tail ?? m.type), ['unknown', 'unknown', 'A']);"
				  "log = [];");
	}
}

static void test_handles_are_kept_when_a_send_fails(void **state)
{
	(void)state;
	native_test_run(
		"var [a, b] = channel(); var [c, d] = channel();\n"
		"var m = {type: 'echo', id: 1n, handles: [c]};\n"
		"b.close();\n"
		"refuses(() => a.send(m), 'ERR_PEER_CLOSED'); same(c.closed, false);\n"
		"var [e, f] = channel();\n"
		"refuses(() => e.send({...m, handles: [c, c]}), 'ERR_INVALID'); same(c.closed, false);\n"
		"refuses(() => e.send({...m, handles: [e]}), 'ERR_INVALID'); same(e.closed, false);\n"
		"e.send(m); same(c.closed, true);\n"
		"refuses(() => e.send(m), 'ERR_BAD_HANDLE');\n"
		"refuses(() => c.send({type: 'end'}), 'ERR_BAD_HANDLE');\n"
		"c.close(); e.close();\n"
		"refuses(() => e.send({type: 'end'}), 'ERR_BAD_HANDLE');\n");
}

static void test_requests_find_their_answers(void **state)
{
	(void)state;
	native_test_run(
		"var [a, b] = channel();\n"
		"a.request({type: 'open', tail: 'one'}).then(m => log.push('1', m.id));\n"
		"a.request({type: 'open', id: 9, tail: 'two'}).then(m => log.push('2', m.id));\n"
		"a.request({type: 'echo'}).catch(e => log.push(e.code, e.message));\n"
		"refuses(() => a.request({type: 'open', id: 9}), 'ERR_EXISTS');\n"
		"refuses(() => a.request({type: 'end'}), 'a message with an id');\n"
		"var ids = [];\n"
		"for (var i = 0; i < 3; i++) b.recv().then(m => ids.push(m.id));\n");
	native_test_settle();
	native_test_run("same(ids, [1, 9, 3n]);\n"
	                "b.send({type: 'end'});\n"
	                "b.send({type: 'open_reply', id: 9});\n"
	                "b.send({type: 'open_reply', id: 1});\n"
	                "b.send({type: 'error', id: 3, error: -34, tail: 'no such'});\n");
	native_test_settle();
	native_test_run(
		"same(log, ['2', 9, '1', 1, 'ERR_NOT_FOUND', 'no such']);\n"
		"a.recv().then(m => log.push(m));\n"
		"a.request({type: 'open', tail: ''}).catch(e => log.push(e.code)); b.close();\n");
	native_test_settle();
	native_test_run("same(log.slice(6), [{type: 'end'}, 'ERR_PEER_CLOSED']);");
	assert_int_equal(js.num_watched, 0);
}

static void test_a_request_keeps_what_is_no_answer_up_to_a_number(void **state)
{
	(void)state;
	native_test_run("var [a, b] = channel(); var sent = 0;\n"
	                "a.request({type: 'open', tail: ''}).then(() => log.push('answer'));\n"
	                "for (; sent < 15; sent++) b.send({type: 'error', id: 0, error: 0});\n");
	native_test_settle();
	native_test_run("b.send({type: 'open_reply', id: 1});");
	native_test_settle();
	native_test_run("same(log, ['answer']);\n"
	                "a.request({type: 'open', tail: ''}).catch(e => log.push(e.code));\n");
	for (int i = 0; i < 4; i++) {
		native_test_run(
			"try { for (;;) { b.send({type: 'error', id: 0, error: 0}); sent++; } }\n"
			"catch (e) { same(e.code, 'ERR_FULL'); }\n");
		native_test_settle();
	}
	native_test_run("same([sent, log], [144, ['answer', 'ERR_PROTOCOL']]);\n"
	                "refuses(() => b.send({type: 'end'}), 'ERR_FULL');\n"
	                "refuses(() => a.request({type: 'open', tail: ''}), 'ERR_PROTOCOL');\n");
	assert_int_equal(js.num_watched, 0);
	native_test_run("log = []; a.onMessage(m => log.push(m.type));");
	native_test_settle();
	native_test_run("same(log.length, 144); a.request({type: 'open', tail: ''})\n"
	                "  .then(() => log.push('answer'));\n"
	                "b.send({type: 'open_reply', id: 4});");
	native_test_settle();
	native_test_run("same(log.slice(144), ['answer']); a.onMessage(null);");
	assert_int_equal(js.num_watched, 0);
}

static void test_backpressure(void **state)
{
	(void)state;
	native_test_run("var [a, b] = channel(); var sent = 0;\n"
	                "(async () => { for (var i = 0; i < 1000; i++) {\n"
	                "  for (;;) { try { a.send({type: 'abort', id: i, reason: 0}); break; }\n"
	                "  catch (e) { same(e.code, 'ERR_FULL'); await a.writable(); } }\n"
	                "  sent++; } a.close(); })();\n");
	native_test_settle();
	native_test_run(
		"same(sent, 128);\n"
		"var next = 0; (async () => { for await (const m of b) same(m.id, next++);\n"
		"  log.push(next); })();\n");
	native_test_settle();
	native_test_run("same(log, [1000]);");
	assert_int_equal(js.num_watched, 0);
}

static void test_closing_ends_what_waits(void **state)
{
	(void)state;
	native_test_run(
		"var [a, b] = channel();\n"
		"(async () => { for await (const m of a); log.push('end'); })();\n"
		"a.recv().catch(e => log.push('recv ' + e.code));\n"
		"a.request({type: 'open', tail: ''}).catch(e => log.push('request ' + e.code));\n");
	assert_int_equal(js.num_watched, 1);
	native_test_run(
		"a.close(); a.next().then(r => log.push(r.done)); b.recv().then(m => log.push(m.type));\n"
		"b.recv().catch(e => log.push(e.code));\n");
	native_test_settle();
	native_test_run(
		"same(log.sort(), ['ERR_PEER_CLOSED', 'end', 'open', 'recv ERR_BAD_HANDLE',\n"
		"  'request ERR_BAD_HANDLE', true].sort());");
	assert_int_equal(js.num_watched, 0);
}

static void test_forgotten_handles_are_closed(void **state)
{
	size_t before = fake_num_handles();

	(void)state;
	native_test_run(
		"for (var i = 0; i < 100; i++) { var [a, b] = channel();\n"
		"  a.send({type: 'echo', id: 1n, handles: channel()}); b.recv(); } a = b = undefined;\n");
	native_test_settle();
	JS_RunGC(js.rt);
	assert_int_equal(fake_num_handles(), before);
	assert_int_equal(js_handle_counts.open, 0);
}

static void test_getters_may_do_anything(void **state)
{
	(void)state;
	native_test_run(
		"var [a, b] = channel(); var [c, d] = channel();\n"
		"refuses(() => a.send({type: 'echo', get id() { a.close(); return 1n; }}), 'ERR_BAD_HANDLE');\n"
		"var [e, f] = channel();\n"
		"refuses(() => e.send({type: 'echo', handles: [c], get id() { c.close(); return 1n; }}),\n"
		"  'ERR_BAD_HANDLE');\n"
		"refuses(() => e.send(new Proxy({type: 'echo', id: 1n}, {ownKeys() { throw new Error('mine'); }})),\n"
		"  'mine');\n"
		"refuses(() => e.send({type: 'echo', id: 1n, handles: {length: 1, 0: d}}), 'an array');\n"
		"var long = new Proxy([], {get: (t, k) => k === 'length' ? 1e9 : t[k]});\n"
		"refuses(() => e.send({type: 'echo', id: 1n, handles: long}), 'too many');\n"
		"refuses(() => e.send.call({}, {type: 'end'}), 'not a Channel');\n"
		"refuses(() => e.send.call(new Uint8Array(8), {type: 'end'}), 'not a Channel');\n"
		"Object.defineProperty(Object.prototype, 'then', {configurable: true,\n"
		"  get() { f.close(); return undefined; }});\n"
		"f.recv().then(m => log.push(m), e => log.push(e.code)); e.send({type: 'end'});\n");
	native_test_settle();
	native_test_run("delete Object.prototype.then; same([f.closed, log.length], [true, 1]);");
}

// An answer that is found on the way to the next message runs code of the script's, which closes
// the channel, or receives from it.
static void test_a_getter_runs_while_receiving(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		native_test_run(i == 0 ? "var way = 'recv';" : "var way = 'next';");
		native_test_run(
			"var [a, b] = channel(); log = [];\n"
			"a.request({type: 'open', tail: ''}).then(m => log.push(m.type));\n"
			"b.send({type: 'open_reply', id: 1}); b.send({type: 'end'});\n"
			"Object.defineProperty(Object.prototype, 'then', {configurable: true,\n"
			"  get() { a.close(); return undefined; }});\n"
			"a[way]().then(m => log.push(m.done), e => log.push(e.code));\n"
			"delete Object.prototype.then;\n");
		native_test_settle();
	}
	native_test_run(
		"same(log, ['open_reply', true]); log = []; var [a, b] = channel();\n"
		"a.request({type: 'open', tail: ''});\n"
		"b.send({type: 'open_reply', id: 1}); b.send({type: 'end'});\n"
		"var once = true;\n"
		"Object.defineProperty(Object.prototype, 'then', {configurable: true, get() {\n"
		"  if (once) { once = false; a.next().then(r => log.push(1, r.value.type)); }\n"
		"  return undefined; }});\n"
		"a.next().then(r => log.push(2, r.value.type));\n"
		"delete Object.prototype.then; b.send({type: 'end'});\n");
	native_test_settle();
	native_test_run("same(log, [1, 'end', 2, 'end']);");
	assert_int_equal(js.num_watched, 0);
}

static void test_sending_runs_no_code_of_the_scripts(void **state)
{
	(void)state;
	native_test_run("[a, b] = channel(); [c, d] = channel(); [e, f] = channel();\n"
	                "c.next().then(r => log.push(r.done));\n"
	                "Object.defineProperty(Object.prototype, 'then', {configurable: true,\n"
	                "  get() { e.peerClosed; return undefined; }});\n"
	                "a.send({type: 'echo', id: 1n, handles: [c, e]});\n"
	                "delete Object.prototype.then;\n");
	native_test_settle();
	native_test_run("same(log, [true]);");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
	const struct CMUnitTest tests[] = {
		TEST(test_sends_and_receives),
		TEST(test_structs_and_arrays_travel),
		TEST(test_refuses_what_is_no_message),
		TEST(test_unknown_and_malformed),
		TEST(test_texts_that_are_none_are_malformed),
		TEST(test_handles_are_kept_when_a_send_fails),
		TEST(test_requests_find_their_answers),
		TEST(test_a_request_keeps_what_is_no_answer_up_to_a_number),
		TEST(test_backpressure),
		TEST(test_closing_ends_what_waits),
		TEST(test_forgotten_handles_are_closed),
		TEST(test_getters_may_do_anything),
		TEST(test_a_getter_runs_while_receiving),
		TEST(test_sending_runs_no_code_of_the_scripts),
	};

	return cmocka_run_group_tests(tests, start, end);
}
