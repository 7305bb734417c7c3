// SPDX-License-Identifier: MIT
//
// Scripts that do all that they can to natives other than channels (js_channel_fuzz): folios,
// devices, files, timers, text, the log. What is called, with what, and on what is the input's:
// arguments are values that close, call and collect while they are converted, proxies, detached
// buffers, classes with a species, methods of other objects. The provider of files answers well,
// badly and not at all. Nothing may crash, and nothing may be left in the end.
#include <assert.h>

#include "apps/js/native/folio.h"
#include "apps/js/native/native.h"
#include "apps/js/native/native_fuzz.h"
#include "apps/js/runtime/internal.h"
#include "libs/files/internal.h"
#include "libs/files/provider_fake.h"
#include "libs/starina/system_objects_fake.h"

#define REGISTER_OFFSET 16u
#define REGISTER_BYTES 32u

static const char script[] =
	"let input, at = 0, pool = [], all = [], numbers = [], depth = 0;\n"
	"const byte = () => at < input.length ? input[at++] : 0;\n"
	"const pick = list => list[byte() % list.length];\n"
	"const any = () => pool.length ? pick(pool) : undefined;\n"
	"const then = Promise.prototype.then;\n"
	"const keep = v => {\n"
	"  if (v instanceof Promise) { then.call(v, v => { keep(v); step(); }, () => step()); return; }\n"
	"  if (typeof v === 'number') numbers.push(v);\n"
	"  if (v === null || typeof v !== 'object') return;\n"
	"  learn(v); all.push(v);\n"
	"  if (pool.length < 40) pool.push(v);\n"
	"  if (v.registers) keep(v.registers);\n"
	"  if (v.interrupt) keep(v.interrupt);\n"
	"};\n"
	"class Odd extends Uint8Array {\n"
	"  static get [Symbol.species]() { step(); return pick([Uint8Array, Odd, Array, Object]); } }\n"
	"const entered = () => { step(); return pick([0, 1, 8, -1, 4096, NaN, 'a', 2n]); };\n"
	"const hostile = () => pick([\n"
	"  () => ({valueOf: entered, toString: entered}), () => ({[Symbol.toPrimitive]: entered}),\n"
	"  () => ({get length() { return entered(); }, get 0() { return entered(); }}),\n"
	"  () => new Proxy({}, {get() { step(); return pick(values)(); }}),\n"
	"  () => new Proxy(any() ?? {}, {}), () => new Proxy(() => 0, {apply: entered})])();\n"
	"const mapped = () => { const f = natives.folio.folio(1, true); keep(f);\n"
	"  return new (pick([Uint8Array, Odd, Uint32Array, BigInt64Array]))(f.map(), 0, 2); };\n"
	"const detached = () => { const f = natives.folio.folio(1, true), b = f.map(); f.close();\n"
	"  return byte() & 1 ? b : new Uint8Array(b); };\n"
	"const values = [() => undefined, () => null, () => 0, () => 1, () => byte(), () => byte() * 64,\n"
	"  () => -1, () => 0.5, () => NaN, () => 2 ** 32, () => 2 ** 53, () => 2n, () => 2n ** 64n,\n"
	"  () => 'test,device', () => 'log', () => 'files', () => 'a', () => 'a/b', () => '/', () => '..',\n"
	"  () => 'x\\0y', () => 'z'.repeat(5000), () => '\\ud800', () => 'r+', () => 'w', () => Symbol(),\n"
	"  () => true, () => [], () => ({}), () => new Uint8Array(byte()), () => new Float64Array(2),\n"
	"  () => new Odd(4), () => new DataView(new ArrayBuffer(4)), () => (() => step()), mapped,\n"
	"  detached, any, any, hostile, hostile];\n"
	"const some = n => Array.from({length: n}, () => pick(values)());\n"
	"const functions = Object.values(natives).flatMap(n => Object.values(n))\n"
	"  .filter(f => typeof f === 'function');\n"
	"const methods = new Map(), closers = new Map();\n"
	"const learn = o => { for (let p = Object.getPrototypeOf(o); p && p !== Object.prototype &&\n"
	"    !methods.has(p); p = Object.getPrototypeOf(p)) {\n"
	"  const own = Object.values(Object.getOwnPropertyDescriptors(p))\n"
	"    .flatMap(d => [d.value, d.get]).filter(f => typeof f === 'function');\n"
	"  methods.set(p, own);\n"
	"  if (typeof p.close === 'function') closers.set(p, p.close); } };\n"
	"const folder = () => natives.files.folder('files', 'x:');\n"
	"const ops = [\n"
	"  () => keep(natives.folio.folio(byte() * 64, byte() > 8)),\n"
	"  () => keep(natives.device.device('test,device', 0)), () => keep(natives.device.kept('log')),\n"
	"  () => keep(folder()), () => keep(any().open('a', byte() & 63)),\n"
	"  () => keep(any().read(byte(), byte() * 16)), () => keep(any().write(byte(), mapped())),\n"
	"  () => keep(natives.timers.start(() => step(), byte(), byte() & 1)),\n"
	"  () => natives.timers.stop(pick(numbers)),\n"
	"  () => keep(pick(functions)(...some(3))), () => keep(pick(functions)(...some(byte() % 4))),\n"
	"  () => { const o = any(), m = pick([...methods.get(Object.getPrototypeOf(o))]);\n"
	"    keep(m.call(o, ...some(byte() % 4))); },\n"
	"  () => { const o = any(), m = pick([...methods.get(Object.getPrototypeOf(o))]);\n"
	"    keep(m.call(o, ...some(3))); },\n"
	"  () => keep(pick(pick([...methods.values()])).call(pick(values)(), ...some(2))),\n"
	"  () => any().close(), () => { pool.splice(byte() % pool.length, 1); },\n"
	"  () => harness.gc(), () => harness.raise(), () => harness.serve(byte()), () => harness.pass(byte()),\n"
	"  () => Object.setPrototypeOf(any(), pick([null, {}, hostile()])),\n"
	"  () => { const v = mapped(); v.sort(() => { step(); return byte() - 128; }); },\n"
	"  () => { const v = mapped(); keep(v.map(x => { step(); return x; })); v.fill(hostile()); },\n"
	"  () => Object.defineProperty(Object.prototype, pick(['then', 'value', 'done', 'length', 'code']),\n"
	"    {configurable: true, get() { if (depth < 4) step(); }, set() { if (depth < 4) step(); }}),\n"
	"];\n" NATIVE_FUZZ_STEP "function begin(bytes) { input = bytes;\n"
	"  if (byte() & 1) keep(natives.device.device('test,device', 0));\n"
	"  if (byte() & 1) { const f = folder(); keep(f); keep(f.open('a', 1 | byte() & 2)); keep(f.list('/')); } }\n"
	"function end() {\n"
	"  at = input.length;\n"
	"  for (const k of ['then', 'value', 'done', 'length', 'code']) delete Object.prototype[k];\n"
	"  for (const n of numbers) natives.timers.stop(n);\n"
	"  for (const o of all) for (const close of closers.values()) try { close.call(o); } catch {}\n"
	"  pool = []; all = [];\n"
	"}\n";

static struct environ environment;
static struct provider_fake provider;
static unsigned int turns;

static JSValue harness_raise(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	const struct fake_slot *slot = fake_slot_of(environment.entries[0].interrupt);

	(void)ctx, (void)self, (void)argc, (void)argv;
	// The script may have closed it, and another object may have its number.
	if (slot != NULL && slot->object->kind == EVENT)
		fake_interrupt_raise(environment.entries[0].interrupt);
	return JS_UNDEFINED;
}

// What the provider does from now on.
static JSValue harness_serve(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	int32_t how = 0;

	(void)self, (void)argc;
	if (JS_ToInt32(ctx, &how, argv[0]) != 0)
		return JS_EXCEPTION;
	provider.refuses = how % 16 == 1;
	provider.fails = how % 8 == 2 ? 5 : 0;
	provider.hostile = how % 4 == 3;
	if (how % 32 == 4)
		provider_fake_die(&provider);
	return JS_UNDEFINED;
}

static JSValue harness_pass(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	int32_t ms = 0;

	(void)self, (void)argc;
	if (JS_ToInt32(ctx, &ms, argv[0]) != 0)
		return JS_EXCEPTION;
	fake_time_pass((nsec_t)ms * NSEC_PER_MSEC);
	return JS_UNDEFINED;
}

static const JSCFunctionListEntry harness_entries[] = {
	JS_CFUNC_DEF("gc", 0, native_fuzz_gc),
	JS_CFUNC_DEF("raise", 0, harness_raise),
	JS_CFUNC_DEF("serve", 1, harness_serve),
	JS_CFUNC_DEF("pass", 1, harness_pass),
};
static const struct js_native harness = { .name = "harness",
	                                  .entries = harness_entries,
	                                  .num_entries = 4 };

static void add_native(JSValueConst to, const struct js_native *native)
{
	JSValue object = JS_NewObject(js.ctx);

	assert(native->init == NULL || native->init(js.ctx) == 0);
	JS_SetPropertyFunctionList(js.ctx, object, native->entries, native->num_entries);
	JS_SetPropertyStr(js.ctx, to, native->name, object);
}

static void make_context(void)
{
	static const struct js_native *const natives[] = {
		&js_native_folio, &js_native_device, &js_native_files, &js_native_timers,
		&js_native_text,  &js_native_log,    &js_native_usage,
	};
	JSValue global, all;

	js = (struct js){ .env = &environment, .rt = JS_NewRuntime() };
	js.ctx = JS_NewContext(js.rt);
	assert(loop_init(&js.loop) == 0);
	global = JS_GetGlobalObject(js.ctx);
	all = JS_NewObject(js.ctx);
	for (size_t i = 0; i < sizeof(natives) / sizeof(natives[0]); i++)
		add_native(all, natives[i]);
	JS_SetPropertyStr(js.ctx, global, "natives", all);
	add_native(global, &harness);
	JS_FreeValue(js.ctx, global);
	native_test_run(script);
}

static void make_environment(void)
{
	struct env_entry *entries = environment.entries;

	environment = (struct environ){ .num_entries = 3,
		                        .entries = { { .kind = ENV_DEVICE,
		                                       .reg_offset = REGISTER_OFFSET,
		                                       .reg_size = REGISTER_BYTES,
		                                       .name = "test,device" },
		                                     { .kind = ENV_KEPT, .name = "log" },
		                                     { .kind = ENV_CONNECTOR, .name = "files" } } };
	entries[0].interrupt = fake_interrupt_create();
	entries[2].handle = fake_connector_create();
	assert(folio_create(1, FOLIO_CONTIGUOUS, &entries[0].handle) == 0);
	assert(folio_create(1, 0, &entries[1].handle) == 0);
	provider_fake_init(&provider, entries[2].handle);
	provider_fake_make(&provider, 1, "a", MODE_FILE | 0644, "content", 7);
}

static void call(const char *name, JSValueConst argument)
{
	JSValue global = JS_GetGlobalObject(js.ctx);
	JSValue fn = native_fuzz_function(name);

	js_call(fn, 1, &argument);
	JS_FreeValue(js.ctx, fn);
	JS_FreeValue(js.ctx, global);
}

// Settles what is ready, a turn at most for each step: callbacks may go on for ever.
static void turn_some(void)
{
	// The next client comes in when the one before is gone.
	if (turns % 32 == 31)
		provider_fake_die(&provider);
	for (int i = 0; i < 8; i++) {
		bool served = ++turns % 4 != 0 && provider_fake_serve(&provider);

		if (loop_turn(&js.loop, 0) != 0 && !served)
			break;
	}
	js_timers_run();
}

static void close_environment(void)
{
	provider_fake_deinit(&provider);
	for (size_t i = 0; i < environment.num_entries; i++) {
		if (fake_slot_of(environment.entries[i].handle) != NULL)
			handle_close(environment.entries[i].handle);
	}
	if (fake_slot_of(environment.entries[0].interrupt) != NULL)
		handle_close(environment.entries[0].interrupt);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	JSValue bytes;

	if (size > 4096)
		return 0;
	fake_reset();
	turns = 0;
	make_environment();
	make_context();
	bytes = js_new_bytes(js.ctx, (struct span){ data, size });
	call("begin", bytes);
	JS_FreeValue(js.ctx, bytes);
	for (size_t i = 0; i < size / 4 + 1; i++) {
		call("step", JS_UNDEFINED);
		turn_some();
	}
	call("end", JS_UNDEFINED);
	turn_some();
	JS_RunGC(js.rt);
	turn_some();
	// The engine asserts that no object is left.
	JS_FreeContext(js.ctx);
	JS_FreeRuntime(js.rt);
	assert(js_handle_counts.open == 0);
	assert(js.num_watched == 0);
	loop_deinit(&js.loop);
	close_environment();
	assert(fake_num_handles() == 0);
	return 0;
}
