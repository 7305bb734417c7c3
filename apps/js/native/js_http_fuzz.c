// SPDX-License-Identifier: MIT
//
// Scripts that do all that they can to an HTTP server, its exchanges and its WebSockets, within
// getters and after the end, while clients say what they like and leave. The input says what they
// do. Nothing may crash, and nothing may be left open in the end.
#include <assert.h>

#include "apps/js/native/http.h"
#include "apps/js/native/native.h"
#include "apps/js/native/native_fuzz.h"
#include "libs/http/tcpip_fake.h"
#include "libs/starina/clients_fake.h"

#define CLIENTS 4

static const char script[] =
	"let input, at, pool = [], servers = [], depth = 0;\n"
	"const byte = () => at < input.length ? input[at++] : 0;\n"
	"const pick = list => list[byte() % list.length];\n"
	"const any = () => pool.length ? pick(pool) : undefined;\n"
	"const own = o => { if (pool.length < 40) pool.push(o); return o; };\n"
	"const ignore = p => p && p.then && Promise.prototype.then.call(p, () => step(), () => 0);\n"
	"const handler = exchange => { own(exchange); for (let n = byte() % 4; n > 0; n--) step(); };\n"
	"const open = () => { if (servers.length === 0)\n"
	"  servers.push(own(serve('tcp-listen:*:80', pick([handler, handler, 1, undefined]), byte()))); };\n"
	"const head = 'HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n';\n"
	"const chunks = '5\\r\\nhello\\r\\nfffff\\r\\n0\\r\\n\\r\\n';\n"
	"const bytes = text => Uint8Array.from(text.slice(byte() % 20, byte()), c => c.charCodeAt(0));\n"
	"const values = [() => undefined, () => null, () => -1, () => 200, () => 204, () => 1000,\n"
	"  () => byte(), () => 2n ** 70n, () => 'x: y\\r\\n', () => '\\u00fc\\u0100', () => '\\ud800',\n"
	"  () => 'z'.repeat(byte() * 40), () => ({}), () => Symbol(), () => new Uint8Array(byte()),\n"
	"  () => new Uint8Array(70000), () => any(), () => bytes(head), () => bytes(chunks),\n"
	"  () => ({toString() { step(); return 'x'; }, valueOf() { step(); return 3; }}),\n"
	"  () => new Proxy({}, {get(t, k) { step(); return undefined; }})];\n"
	"const evil = [() => Object.defineProperty(Object.prototype, 'then', {configurable: true,\n"
	"    get() { if (this !== globalThis && depth < 4) step(); return undefined; }}),\n"
	"  () => { delete Object.prototype.then; },\n"
	"  () => Object.setPrototypeOf(any(), new Proxy({}, {get() { step(); }}))];\n"
	"const methods = ['start', 'send', 'end', 'abort', 'read', 'room', 'gone', 'isOver', 'upgrade',\n"
	"  'writable', 'next', 'return', 'close', 'closed', 'listening', 'take', 'ended'];\n"
	"const call = (self, name, ...args) => {\n"
	"  const m = self[name]; return ignore(typeof m === 'function' ? m.apply(self, args) : m); };\n"
	"const ops = [\n"
	"  () => open(), () => open(), () => call(any(), pick(methods)),\n"
	"  () => call(any(), pick(methods), pick(values)()),\n"
	"  () => call(any(), pick(methods), pick(values)(), pick(values)()),\n"
	"  () => call(any(), 'start', 200, 'a: b\\r\\n', pick([undefined, 0, 5, 200000])),\n"
	"  () => call(any(), 'send', pick(values)()), () => call(any(), 'end'), () => call(any(), 'read'),\n"
	"  () => call(any(), 'gone'), () => call(any(), 'room'), () => call(any(), 'abort'),\n"
	"  () => own(any().upgrade(pick([undefined, 'chat', values[9]()]), byte())),\n"
	"  () => call(any(), 'send', 'text'), () => call(any(), 'next'), () => call(any(), 'next'),\n"
	"  () => call(any(), 'close', pick([undefined, 1000, 1008, 3000, 5000]), pick(values)()),\n"
	"  () => { closeServer.call(servers.pop()); }, () => { pool.splice(byte() % pool.length, 1); }, () => gc(),\n"
	"  () => responseHead(pick(values)()), () => own(chunked()), () => call(own(chunked()), 'take', bytes(chunks)),\n"
	"  () => any()[pick(methods)].call(any(), pick(values)(), pick(values)()),\n"
	"  () => pick(evil)(),\n"
	"];\n" NATIVE_FUZZ_STEP "function begin(data) { input = data; at = 0; depth = 0; }\n"
	"function end() {\n"
	"  at = input.length; delete Object.prototype.then;\n"
	"  for (const s of servers) closeServer.call(s);\n"
	"  pool = []; servers = []; input = undefined;\n"
	"}\n"
	"const probe = serve('tcp-listen:*:80', handler, 1), closeServer = probe.close;\n"
	"probe.listening().catch(() => 0); probe.close();\n";

#define UPGRADE                                                                      \
	"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"

// What clients say; the input cuts it.
static const char *const said[] = {
	"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
	"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /\xfc HTTP/1.0\r\nX: \xff\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello",
	"world",
	"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n",
	"5\r\nhello\r\n",
	"0\r\n\r\n",
	UPGRADE,
	"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
	"\x82\x81\x31\x32\x33\x34x",
	"\x89\x81\x31\x32\x33\x34x",
	"\x88\x82\x31\x32\x33\x34\x32\xda",
};

static struct environ environment = {
	.num_entries = 1,
	.entries = { { .kind = ENV_CONNECTOR, .name = "tcpip" } },
};
static handle_t clients[CLIENTS];
static JSValue begin_function, step_function, end_function;

// Settles what is ready, a few turns at most: callbacks may go on for ever.
static void turn_some(void)
{
	js_run_jobs();
	for (int i = 0; i < 8 && loop_turn(&js.loop, 0) == 0; i++)
		js_run_jobs();
}

static void turn_both(void)
{
	turn_some();
	tcpip_fake_serve(environment.entries[0].handle);
	turn_some();
}

static void start(void)
{
	static const JSCFunctionListEntry globals[] = { JS_CFUNC_DEF("gc", 0, native_fuzz_gc) };
	JSValue global;

	native_test_start(&js_native_http);
	environment.entries[0].handle = fake_connector_create();
	js.env = &environment;
	global = JS_GetGlobalObject(js.ctx);
	JS_SetPropertyFunctionList(js.ctx, global, globals, 1);
	JS_FreeValue(js.ctx, global);
	native_test_run(script);
	begin_function = native_fuzz_function("begin");
	step_function = native_fuzz_function("step");
	end_function = native_fuzz_function("end");
	turn_both();
	tcpip_fake_restart(true);
}

// A client does something.
static void client_step(uint8_t what, uint8_t how)
{
	handle_t *client = &clients[how % CLIENTS];
	const char *text = said[(how >> 2) % (sizeof(said) / sizeof(said[0]))];
	size_t len = strlen(text);

	switch (what % 8) {
	case 0: tcpip_fake_connect(client); break;
	case 1:
	case 2:
	case 3: tcpip_fake_say(*client, text, len); break;
	case 4: tcpip_fake_say(*client, text, what % len); break;
	case 5: tcpip_fake_drain(*client); break;
	case 6: fake_close(client); break;
	default:
		if (how > 240)
			tcpip_fake_restart(how % 2 != 0);
		else if (how > 200)
			fake_time_pass((nsec_t)how * NSEC_PER_SEC);
		else
			fake_say(*client, MSG_END, NULL, 0, FAKE_NOTHING, 0);
		break;
	}
}

static void finish(void)
{
	js_call(end_function, 0, NULL);
	for (size_t i = 0; i < CLIENTS; i++)
		fake_close(&clients[i]);
	// Servers that were closed before tcpip knew of them.
	for (int i = 0; i < 64; i++)
		turn_both();
	tcpip_fake_restart(true);
	JS_RunGC(js.rt);
	turn_some();
	JS_RunGC(js.rt);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static size_t num_handles, num_allocated;
	JSValue bytes;

	if (js.ctx == NULL) {
		start();
		num_handles = fake_num_handles();
		num_allocated = fake_num_allocated();
	}
	if (size > 4096)
		return 0;
	bytes = js_new_bytes(js.ctx, (struct span){ data, size });
	js_call(begin_function, 1, &bytes);
	JS_FreeValue(js.ctx, bytes);
	for (size_t i = 0; i + 3 < size; i += 4) {
		client_step(data[i], data[i + 1]);
		turn_both();
		js_call(step_function, 0, NULL);
		turn_both();
	}
	finish();
	assert(fake_num_handles() == num_handles);
	assert(fake_num_allocated() == num_allocated);
	assert(js.num_watched == 0);
	return 0;
}
