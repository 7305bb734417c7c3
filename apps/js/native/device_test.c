// SPDX-License-Identifier: MIT
//
// Folios and devices as scripts use and misuse them, over system_fake.c: a script is a line of
// JavaScript that is true when all went as it should.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "apps/js/native/folio.h"
#include "apps/js/native/native.h"
#include "apps/js/runtime/handle.h"
#include "libs/base/string.h"
#include "libs/starina/clients_fake.h"

#define REGISTER_OFFSET 16u
#define REGISTER_BYTES 32u

static struct environ environment;
static uint8_t *registers;  // the device's page

static void add_native(const struct js_native *native)
{
	JSValue global = JS_GetGlobalObject(js.ctx);

	assert_true(native->init == NULL || native->init(js.ctx) == 0);
	JS_SetPropertyFunctionList(js.ctx, global, native->entries, native->num_entries);
	JS_FreeValue(js.ctx, global);
}

static JSValue test_raise(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	(void)ctx, (void)self, (void)argc, (void)argv;
	fake_interrupt_raise(environment.entries[0].interrupt);
	return JS_UNDEFINED;
}

// What channel_send does to a folio that it took.
static JSValue test_sent(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	struct js_handle *h = js_handle_of(ctx, argv[0], NULL);
	handle_t handle;

	(void)self, (void)argc;
	if (h == NULL)
		return JS_EXCEPTION;
	handle = h->handle;
	js_handle_sent(ctx, h);
	handle_close(handle);
	return JS_UNDEFINED;
}

static JSValue test_collect(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	(void)self, (void)argc, (void)argv;
	JS_RunGC(JS_GetRuntime(ctx));
	return JS_UNDEFINED;
}

static JSValue test_received(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv)
{
	handle_t event;
	bool folio = JS_ToBool(ctx, argv[0]);

	(void)self, (void)argc;
	assert_int_equal(folio ? folio_create(1, FOLIO_CONTIGUOUS, &event) : event_create(&event),
	                 0);
	return js_handle_wrap(ctx, event);
}

static const JSCFunctionListEntry test_entries[] = {
	JS_CFUNC_DEF("raise", 0, test_raise),
	JS_CFUNC_DEF("sent", 1, test_sent),
	JS_CFUNC_DEF("collect", 0, test_collect),
	JS_CFUNC_DEF("received", 1, test_received),
};
static const struct js_native test_native = { .entries = test_entries, .num_entries = 4 };

static const char prelude[] =
	"globalThis.code = (f) => { try { f(); return 'none'; } catch (e) { return e.code ?? e.name; } };"
	"globalThis.dev = device('test,device', 0);"
	"globalThis.regs = dev.registers; globalThis.irq = dev.interrupt;";

static JSValue eval(const char *text)
{
	JSValue value = JS_Eval(js.ctx, text, strlen(text), "test", JS_EVAL_TYPE_GLOBAL);

	if (JS_IsException(value)) {
		JSValue error = JS_GetException(js.ctx);

		fail_msg("%s: %s", text, JS_ToCString(js.ctx, error));
	}
	js_run_jobs();
	return value;
}

// Whether the script is true, with a context of its own and nothing left behind.
static void expect_true(const char *text)
{
	JSValue value = eval(text);

	if (JS_VALUE_GET_TAG(value) != JS_TAG_BOOL || !JS_VALUE_GET_BOOL(value))
		fail_msg("not true: %s", text);
}

static int setup(void **state)
{
	void *base;

	(void)state;
	fake_reset();
	environment = (struct environ){ .num_entries = 2,
		                        .entries = { { .kind = ENV_DEVICE,
		                                       .reg_offset = REGISTER_OFFSET,
		                                       .reg_size = REGISTER_BYTES,
		                                       .name = "test,device" },
		                                     { .kind = ENV_KEPT, .name = "log" } } };
	environment.entries[0].interrupt = fake_interrupt_create();
	assert_int_equal(folio_create(1, FOLIO_CONTIGUOUS, &environment.entries[0].handle), 0);
	assert_int_equal(folio_map(environment.entries[0].handle, PROT_READ, &base), 0);
	registers = base;
	assert_int_equal(folio_create(1, 0, &environment.entries[1].handle), 0);
	js = (struct js){ .env = &environment, .rt = JS_NewRuntime() };
	js.ctx = JS_NewContext(js.rt);
	assert_int_equal(loop_init(&js.loop), 0);
	add_native(&js_native_folio);
	add_native(&js_native_device);
	add_native(&test_native);
	JS_FreeValue(js.ctx, eval(prelude));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	JS_FreeContext(js.ctx);
	JS_FreeRuntime(js.rt);
	loop_deinit(&js.loop);
	return 0;
}

static void test_folios(void **state)
{
	static const char *const scripts[] = {
		// What is mapped is one buffer, of whole pages, zeroed.
		"const f = folio(5000); const b = f.map(); b === f.map() && b.byteLength === 8192 && "
		"f.size === 8192 && new Uint8Array(b).every((x) => x === 0)",
		// It is gone with the folio, and views on it are empty.
		"{ const f = folio(1), b = f.map(), v = new Uint8Array(b), d = new DataView(b); f.close(); "
		"b.byteLength === 0 && v.length === 0 && v[0] === undefined && (v[0] = 1, true) && "
		"code(() => d.getUint8(0)) === 'TypeError' && f.closed }",
		// What was closed or sent cannot be used.
		"{ const f = folio(1); f.close(); f.close(); code(() => f.map()) === 'ERR_BAD_HANDLE' && "
		"code(() => f.size) === 'ERR_BAD_HANDLE' && code(() => f.address) === 'ERR_BAD_HANDLE' && "
		"code(() => sent(f)) === 'ERR_BAD_HANDLE' }",
		"{ const f = folio(1), b = f.map(); sent(f); b.byteLength === 0 && f.closed && "
		"code(() => sent(f)) === 'ERR_BAD_HANDLE' }",
		// Sizes are checked.
		"[0, -1, NaN, '4096', 2 ** 53, 4 * 1024 * 1024 + 1, 1n, undefined].every((n) => "
		"['ERR_INVALID', 'ERR_TOO_LARGE'].includes(code(() => folio(n))))",
		// Copies.
		"{ const f = folioWith(new Uint16Array([1, 2, 513])); "
		"String(new Uint8Array(f.map(), 0, 6)) === '1,0,2,0,1,2' }",
		"code(() => folioWith([1])) === 'TypeError' && code(() => folioWith('x')) === 'TypeError' && "
		"code(() => folioWith(new Uint8Array(0))) === 'ERR_INVALID'",
		"{ const f = folio(1), b = f.map(); f.close(); code(() => folioWith(b)) !== 'none' && "
		"code(() => folioWith(new Uint8Array(4).subarray(1, 3))) === 'none' }",
		// The buffer stays when the folio's object is gone.
		"globalThis.kept = folio(1).map(); collect(); new Uint8Array(kept)[7] = 3; "
		"kept.byteLength === 4096",
		// What is received is of the class that it is.
		"received(true).map().byteLength === 4096 && received(false).map === undefined && "
		"received(false).closed === false",
		// A detached buffer in the midst of what the engine does with it.
		"{ const f = folio(1), v = new Uint8Array(f.map()); v.set([3, 1, 2]); "
		"v.sort((a, b) => { f.close(); return a - b; }); v.length === 0 }",
		"{ const f = folio(1), v = new Uint8Array(f.map()); "
		"code(() => v.fill({ valueOf() { f.close(); return 7; } })) !== 'x' && v.length === 0 }",
		"{ const f = folio(1), d = new DataView(f.map()); "
		"code(() => d.setUint32(0, { valueOf() { f.close(); return 7; } })) === 'TypeError' }",
		"{ const f = folio(1), v = new Uint8Array(f.map()); "
		"v.map((x) => { f.close(); return x; }).length === 4096 }",
		"{ const f = folio(1), v = new Uint8Array(f.map()); "
		"code(() => v.set({ length: 2, get 0() { f.close(); return 1; }, 1: 2 })) !== 'x' }",
		"{ const f = folio(1), v = new Uint8Array(f.map()); "
		"v.includes(undefined, { valueOf() { f.close(); return 0; } }) !== 7 && "
		"code(() => v.slice(0, 8)) === 'TypeError' }",
		// Methods are for their own objects, and for objects that were made.
		"code(() => Object.getPrototypeOf(folio(1)).map.call({})) === 'TypeError' && "
		"code(() => Object.getPrototypeOf(folio(1)).map.call(regs)) === 'TypeError' && "
		"code(() => Object.create(Object.getPrototypeOf(regs)).close()) === 'TypeError' && "
		"code(() => regs.read8.call(folio(1), 0)) === 'TypeError'",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
		expect_true(scripts[i]);
}

// Memory that scripts forget is given back, before there is none.
static void test_garbage(void **state)
{
	size_t before;

	(void)state;
	before = fake_num_handles();
	expect_true("for (let i = 0; i < 64; i++) folio(1).map(); true");
	assert_int_equal(fake_num_handles(), before);
	// Circles are collected by bytes, not by the engine's own heap.
	expect_true(
		"for (let i = 0; i < 100; i++) { const o = { f: folio(1 << 20) }; o.o = o; o.f.map(); } true");
	assert_in_range(fake_num_handles(), before, before + 4);
	// What a device may write to is not garbage.
	expect_true("{ const a = folio(1).address; folio(1).address > 0n && a > 0n }");
	expect_true("collect(); true");
	assert_int_equal(fake_num_handles(), before + 2);
}

static void test_no_memory(void **state)
{
	(void)state;
	fake_memory_fail(1);
	expect_true("code(() => folio(1)) === 'none'");
	fake_memory_fail(0);
}

static void test_registers(void **state)
{
	static const char *const scripts[] = {
		"regs.size === 32",
		"regs.write8(0, 0x12); regs.write8(1, 255); regs.write16(2, 0x3456); regs.write32(4, 0xfedcba98); "
		"regs.read8(0) === 0x12 && regs.read16(0) === 0xff12 && regs.read32(0) === 0x3456ff12 && "
		"regs.read32(4) === 0xfedcba98 && regs.read64(0) === 0xfedcba983456ff12n",
		"regs.write64(8, 0xffffffffffffffffn); regs.read64(8) === 2n ** 64n - 1n && regs.read8(15) === 255",
		// The last of each width, and beyond.
		"regs.read8(31) === 0 && regs.read16(30) === 0 && regs.read32(28) === 0 && regs.read64(24) === 0n",
		"['read8', 'read16', 'read32', 'read64'].every((f) => [32, 40, 1e300, -1, NaN, Infinity, -Infinity, 0.5, "
		"2 ** 32, 2 ** 63, '0', 0n, undefined, null, {}].every((o) => code(() => regs[f](o)) === 'ERR_RANGE'))",
		"code(() => regs.read32(30)) === 'ERR_RANGE' && code(() => regs.write64(28, 0n)) === 'ERR_RANGE'",
		"code(() => regs.read32(2)) === 'ERR_INVALID' && code(() => regs.read16(1)) === 'ERR_INVALID' && "
		"code(() => regs.write64(4, 0n)) === 'ERR_INVALID'",
		// A value that does not fit is not cut.
		"[256, -1, 0.5, NaN, '1', 1n, undefined].every((v) => code(() => regs.write8(16, v)) === 'ERR_INVALID') && "
		"code(() => regs.write32(16, 2 ** 32)) === 'ERR_INVALID' && code(() => regs.write64(16, 1)) === 'ERR_INVALID' && "
		"[-1n, 2n ** 64n, 2n ** 70n].every((v) => code(() => regs.write64(16, v)) === 'RangeError') && "
		"regs.read64(16) === 0n",
		// No code of the script runs in between.
		"let asked = false; code(() => regs.read8({ valueOf() { asked = true; return 0; } })); !asked",
	};

	(void)state;
	registers[REGISTER_OFFSET + REGISTER_BYTES] = 0xee;
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
		expect_true(scripts[i]);
	assert_int_equal(registers[REGISTER_OFFSET], 0x12);
	assert_int_equal(registers[REGISTER_OFFSET + REGISTER_BYTES], 0xee);
	expect_true("regs.close(); code(() => regs.read8(0)) === 'ERR_BAD_HANDLE' && "
	            "code(() => regs.write8(0, 0)) === 'ERR_BAD_HANDLE'");
}

// A handle of the environment has one object, however it is asked for.
static void test_one_owner(void **state)
{
	(void)state;
	expect_true("code(() => device('test,device', 0)) === 'ERR_BAD_STATE' && "
	            "[0.5, 2 ** 32, '0', -1, NaN].every((i) => "
	            "code(() => device('test,device', i)) !== 'none') && "
	            "code(() => device(new String('test,device'), 0)) === 'TypeError' && "
	            "device('test,device', 1) === undefined && regs.read8(0) === 0");
	expect_true("globalThis.mine = new Uint8Array(kept('log').map()); mine[0] = 7; "
	            "code(() => kept('log')) === 'ERR_BAD_STATE' && "
	            "code(() => kept(new String('log'))) === 'TypeError' && mine[0] === 7");
}

static void test_interrupts(void **state)
{
	(void)state;
	expect_true(
		"globalThis.seen = []; (async () => { for await (const i of irq) seen.push(i === irq); "
		"seen.push('end'); })(); true");
	fake_loop_settle(&js.loop);
	expect_true("seen.length === 0 && code(() => irq.wait()) === 'ERR_BAD_STATE'");
	for (int i = 1; i <= 3; i++) {
		expect_true("raise(); true");
		fake_loop_settle(&js.loop);
	}
	expect_true("seen.join() === 'true,true,true'");
	assert_int_equal(js.num_watched, 1);
	expect_true("irq.close(); true");
	expect_true("seen.join() === 'true,true,true,end'");
	assert_int_equal(js.num_watched, 0);
	expect_true("globalThis.last = irq.next(); last.then((r) => { seen = [r.done]; }); "
	            "last instanceof Promise");
	expect_true("seen.join() === 'true'");
	expect_true(
		"code(() => irq.wait()) === 'ERR_BAD_HANDLE' && code(() => irq.done()) === 'ERR_BAD_HANDLE'");
}

static void test_an_interrupt_is_closed(void **state)
{
	(void)state;
	expect_true("globalThis.told = ''; irq.wait().catch((e) => { told = e.code; }); true");
	expect_true("irq.close(); true");
	expect_true("told === 'ERR_BAD_HANDLE'");
	assert_int_equal(js.num_watched, 0);
}

// One that was raised is not told of again until it is done, also by who does not wait.
static void test_an_interrupt_is_done(void **state)
{
	(void)state;
	expect_true("globalThis.n = 0; raise(); irq.wait().then(() => n++); true");
	fake_loop_settle(&js.loop);
	expect_true("n === 1");
	fake_loop_settle(&js.loop);
	expect_true("irq.done(); irq.done(); irq.wait().then(() => n++); true");
	fake_loop_settle(&js.loop);
	expect_true("n === 1");
	expect_true("raise(); true");
	fake_loop_settle(&js.loop);
	expect_true("n === 2");
}

// What runs when the promise is resolved may be the script's, and wait again.
static void test_a_getter_waits_again(void **state)
{
	(void)state;
	expect_true("globalThis.n = 0; let once = true; irq.wait().then(() => n++); raise();"
	            "Object.defineProperty(Object.prototype, 'then', { configurable: true, get() {"
	            "  if (once) { once = false; irq.wait().then(() => n++); } } });"
	            "Object.defineProperty(Object.prototype, 'value', { configurable: true,"
	            "  set() { n = 100; } }); true");
	fake_loop_settle(&js.loop);
	expect_true("delete Object.prototype.then; n === 1");
	expect_true("raise(); true");
	fake_loop_settle(&js.loop);
	expect_true("n === 2");
	expect_true("irq.next().then((r) => { n += r.value === irq; }); raise(); true");
	fake_loop_settle(&js.loop);
	expect_true("delete Object.prototype.value; n === 3");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_folios),
		TEST(test_garbage),
		TEST(test_no_memory),
		TEST(test_registers),
		TEST(test_one_owner),
		TEST(test_interrupts),
		TEST(test_an_interrupt_is_closed),
		TEST(test_an_interrupt_is_done),
		TEST(test_a_getter_waits_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
