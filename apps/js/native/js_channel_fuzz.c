// SPDX-License-Identifier: MIT
//
// Scripts that do all that they can to channels, messages and services: getters that close what is
// sent, proxies, values of all kinds, methods of other objects, a prototype that is not what it
// was. The input says what they do. Nothing may crash, and nothing may be left open in the end.
#include <assert.h>

#include "apps/js/native/channel.h"
#include "apps/js/native/native.h"
#include "apps/js/native/native_fuzz.h"
#include "apps/js/native/service.h"

#define MAX_CLIENTS 16u

static const char script[] =
	"let input, at, pool = [], all = [], depth = 0;\n"
	"const own = (...handles) => { all.push(...handles); if (pool.length < 40) pool.push(...handles); };\n"
	"const byte = () => at < input.length ? input[at++] : 0;\n"
	"const pick = list => list[byte() % list.length];\n"
	"const any = () => pool.length ? pick(pool) : undefined;\n"
	"const ignore = p => p && p.then && Promise.prototype.then.call(p, take, () => 0);\n"
	"const take = m => own(...(m?.handles ?? m?.value?.handles ?? []));\n"
	"const templates = [\n"
	"  () => ({type: 'echo', id: 1n, tail: new Uint8Array(byte()), handles: some()}),\n"
	"  () => ({type: 'open', id: byte() % 4, tail: 'x'}),\n"
	"  () => ({type: 'open_reply', id: byte() % 4, handles: some(1)}),\n"
	"  () => ({type: 'error', id: byte() % 4, error: -byte(), tail: 'e'}),\n"
	"  () => ({type: 'data', offset: 0, length: 1, tail: new Uint8Array(1)}),\n"
	"  () => ({type: 'unknown', number: byte(), data: new Uint8Array(byte() * 2), handles: some()}),\n"
	"  () => ({type: 'netdev_networks', networks: {reach: 1, mac: new Uint8Array(6), entries:\n"
	"    [{network: 1, address: new Uint8Array(4), prefix_len: 1}]}}),\n"
	"  () => ({type: 'apps_stop', id: 1, flags: 0, name: 'n'.repeat(byte() % 30)}),\n"
	"  () => ({type: 'vmm_attach', flags: 1, keys: {count: 1, keys: new Uint8Array(16)},\n"
	"    handles: some(1)}),\n"
	"];\n"
	"const some = (n = byte() % 5) => Array.from({length: n}, any);\n"
	"const values = [() => undefined, () => null, () => -1, () => NaN, () => 2n ** 70n, () => 'x\\0y',\n"
	"  () => 'z'.repeat(300), () => ({}), () => [], () => Symbol(), () => new Uint8Array(4),\n"
	"  () => new Float64Array(2), () => any(), () => detached(), () => hostile({}), () => hostile([]),\n"
	"  () => Object.create(null), () => (() => 0), () => new DataView(new ArrayBuffer(4)),\n"
	"  () => mapped(), () => new Proxy(new Uint8Array(4), {})];\n"
	"const detached = () => { const f = folio(1), b = new Uint8Array(f.map()); f.close(); return b; };\n"
	"const mapped = () => { const f = folio(1); own(f); return new Uint8Array(f.map(), 0, 4); };\n"
	"const hostile = target => { const act = () => step(); return new Proxy(target, {\n"
	"  get(t, k) { act(); return k === 'length' ? byte() * 1e6 : pick(values)(); },\n"
	"  ownKeys() { act(); return ['type', 'id', 'tail', 'handles', 'id2'].slice(0, byte() % 6); },\n"
	"  getOwnPropertyDescriptor() { return {value: 1, enumerable: true, configurable: true}; } }); };\n"
	"const message = () => {\n"
	"  const m = pick(templates)();\n"
	"  for (let n = byte() % 3; n > 0; n--) {\n"
	"    const keys = Object.keys(m), key = pick([...keys, 'more', 'handles', 'tail']);\n"
	"    if (byte() & 1) Object.defineProperty(m, key, {enumerable: true, configurable: true,\n"
	"      get() { step(); return pick(values)(); }});\n"
	"    else m[key] = pick(values)();\n"
	"  }\n"
	"  return byte() % 16 === 0 ? hostile(m) : m;\n"
	"};\n"
	"const evil = [() => Object.defineProperty(Object.prototype, 'then', {configurable: true,\n"
	"    get() { if (this !== globalThis && depth < 4) step(); return undefined; }}),\n"
	"  () => { delete Object.prototype.then; }, () => { Object.prototype.type = 'echo'; },\n"
	"  () => { delete Object.prototype.type; },\n"
	"  () => Object.setPrototypeOf(any(), hostile({}))];\n"
	"const protos = Object.getOwnPropertyNames(channelPrototype()).map(n =>\n"
	"  Object.getOwnPropertyDescriptor(channelPrototype(), n)).map(d => d.value ?? d.get);\n"
	"const names = [() => 'provided', () => 'provided', () => 'needed', () => 'needed',\n"
	"  () => 'absent', () => pick(values)(), () => ({toString() { step(); return 'provided'; }})];\n"
	"const ops = [\n"
	"  () => own(...channel()),\n"
	"  () => any().send(message()), () => any().send(message()), () => any().send(message()),\n"
	"  () => ignore(any().recv()), () => ignore(any().next()), () => ignore(any().writable()),\n"
	"  () => ignore(any().request(message())),\n"
	"  () => any().onMessage(m => { take(m); step(); }, () => step()), () => any().onMessage(null),\n"
	"  () => any().close(), () => { pool.splice(byte() % pool.length, 1); }, () => gc(),\n"
	"  () => any().peerClosed, () => own(folio(1)), () => any().map(),\n"
	"  () => ignore((async c => { for await (const m of c) { take(m); step(); } })(any())),\n"
	"  () => ignore(pick(protos).call(pick(values)(), pick(values)(), pick(values)())),\n"
	"  () => ignore(pick(protos).call(any(), pick(values)(), pick(values)())),\n"
	"  () => pick(evil)(), () => client(), () => client(),\n"
	"  () => Promise.prototype.then.call(accept(pick(names)()), own, () => 0),\n"
	"  () => Promise.prototype.then.call(connect(pick(names)()), own, () => 0),\n"
	"];\n" NATIVE_FUZZ_STEP "const close = channelPrototype().close;\n"
	"function begin(bytes) { input = bytes; at = 0; depth = 0; }\n"
	"function end() {\n"
	"  at = input.length; delete Object.prototype.then; delete Object.prototype.type;\n"
	"  for (const h of all) try { close.call(h); } catch {}\n"
	"  pool = []; all = []; input = [];\n"
	"}\n";

static struct environ environment;
static handle_t clients[MAX_CLIENTS];
static size_t num_clients;

// A client of the service that the script provides; the first one leaves when there are too many.
static JSValue client(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	handle_t *place = &clients[num_clients++ % MAX_CLIENTS];

	(void)ctx;
	(void)self;
	(void)argc;
	(void)argv;
	if (*place != HANDLE_NONE)
		handle_close(*place);
	*place = fake_client_connect(environment.entries[0].handle);
	return JS_UNDEFINED;
}

static void close_clients(void)
{
	handle_t end;

	for (size_t i = 0; i < MAX_CLIENTS; i++) {
		if (clients[i] != HANDLE_NONE)
			handle_close(clients[i]);
		clients[i] = HANDLE_NONE;
	}
	// Those that nobody waited for.
	while (service_accept(environment.entries[0].handle, &end) == 0)
		handle_close(end);
	while ((end = fake_provider_accept(environment.entries[1].handle)) != HANDLE_NONE)
		handle_close(end);
}

static JSValue begin_function, step_function, end_function;

static void start(void)
{
	static const JSCFunctionListEntry globals[] = { JS_CFUNC_DEF("gc", 0, native_fuzz_gc),
		                                        JS_CFUNC_DEF("client", 0, client) };
	JSValue global;

	native_test_start(&js_native_channel);
	environment = (struct environ){
		.num_entries = 2,
		.entries = { { .kind = ENV_SERVICE, .name = "provided" },
		             { .kind = ENV_CONNECTOR, .name = "needed" } },
	};
	environment.entries[0].handle = fake_service_create();
	environment.entries[1].handle = fake_connector_create();
	js.env = &environment;
	global = JS_GetGlobalObject(js.ctx);
	JS_SetPropertyFunctionList(js.ctx, global, globals, 2);
	JS_SetPropertyFunctionList(js.ctx, global, js_native_service.entries,
	                           js_native_service.num_entries);
	JS_SetPropertyFunctionList(js.ctx, global, js_native_folio.entries,
	                           js_native_folio.num_entries);
	JS_FreeValue(js.ctx, global);
	native_test_run(script);
	// They are added to the loop when they are first waited for, and stay.
	native_test_run("connect('needed').then(c => c.close()); client();"
	                "accept('provided').then(c => c.close());");
	native_test_settle();
	close_clients();
	begin_function = native_fuzz_function("begin");
	step_function = native_fuzz_function("step");
	end_function = native_fuzz_function("end");
}

// Settles what is ready, a turn at most for each step: callbacks may go on for ever.
static void turn_some(void)
{
	for (int i = 0; i < 8 && loop_turn(&js.loop, 0) == 0; i++)
		;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static size_t num_handles;
	JSValue bytes;

	if (js.ctx == NULL) {
		start();
		num_handles = fake_num_handles();
	}
	if (size > 4096)
		return 0;
	bytes = js_new_bytes(js.ctx, (struct span){ data, size });
	js_call(begin_function, 1, &bytes);
	JS_FreeValue(js.ctx, bytes);
	for (size_t i = 0; i < size / 4 + 1; i++) {
		js_call(step_function, 0, NULL);
		turn_some();
	}
	js_call(end_function, 0, NULL);
	turn_some();
	// Who waits for a client gets one.
	for (int i = 0; i < 2000 && js.num_watched > 0; i++) {
		client(js.ctx, JS_UNDEFINED, 0, NULL);
		turn_some();
	}
	js_call(end_function, 0, NULL);
	close_clients();
	JS_RunGC(js.rt);
	turn_some();
	JS_RunGC(js.rt);
	assert(fake_num_handles() == num_handles);
	assert(js_handle_counts.open == 0);
	assert(js.num_watched == 0);
	return 0;
}
