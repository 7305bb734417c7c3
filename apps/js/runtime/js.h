// SPDX-License-Identifier: MIT
//
// What the parts of this app share: one JavaScript context on the event loop of the SDK. A process
// runs one script, so there is one of it.
#pragma once

#include <quickjs.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libs/abi/app.h"
#include "libs/abi/error.h"
#include "libs/base/span.h"
#include "libs/starina/loop.h"

struct js {
	JSRuntime *rt;
	JSContext *ctx;
	struct loop loop;
	const struct environ *env;
	void *reserve;       // memory for the report of a failure
	size_t num_watched;  // what the app goes on for (js_watch_begin)
	bool has_calls;      // js_call_later
};

extern struct js js;

// --- The runtime: context.c

// Makes the context. Ends the app when there is not enough memory for it.
void js_start(const struct environ *env);
// Runs the loop until the app has nothing to do any more: no job, no timer, nothing watched.
void js_run(void);

// While anything is watched the app goes on, for something may still come: a source of the loop
// that a promise or a callback waits for, a provided service. Each begin has one end.
void js_watch_begin(void);
void js_watch_end(void);

// --- From callbacks of the loop: jobs.c

// Calls `fn` (with `this` undefined), and then the jobs that became due. What it throws ends the
// app. The arguments stay the caller's.
void js_call(JSValueConst fn, int argc, JSValueConst *argv);
#define JS_CALL_LATER_MAX 8
// Has `fn` called with the arguments (JS_CALL_LATER_MAX at most, which stay the caller's) later, by
// the loop: for callbacks in which no code of the script's may run. Fails the app when memory is
// out.
void js_call_later(JSValueConst fn, int argc, JSValueConst *argv);
// Runs the jobs that are due, after a callback that resolved promises by other ways. An exception
// or a rejection that nobody handles ends the app.
void js_run_jobs(void);

// --- Errors: errors.c

// Throws a StarinaError: `code` is the name of `err` ("ERR_PEER_CLOSED"), its message is "`what`: "
// and the words for it. Returns JS_EXCEPTION.
JSValue js_throw(JSContext *ctx, error_t err, const char *what);
// The same error as a value, to reject a promise with; JS_EXCEPTION: out of memory.
JSValue js_error(JSContext *ctx, error_t err, const char *what);
// Logs `error` (consumed; JS_EXCEPTION: what is pending) with the stack of the TypeScript source,
// and ends the app as one that failed. `what`: what it is ("uncaught exception").
_Noreturn void js_fail(JSValue error, const char *what);
// The same with the exception that is pending.
_Noreturn void js_fail_pending(const char *what);

// --- Values: values.c

// "ERR_PEER_CLOSED" and so on, as libs/abi/error.h has them.
const char *js_error_name(error_t err);
// A bigint.
JSValue js_u64(JSContext *ctx, uint64_t value);
// Takes a bigint or an integral number of 0 to 2^64 - 1. -1 with a RangeError or TypeError pending
// for others.
int js_to_u64(JSContext *ctx, JSValueConst value, uint64_t *out);
// The same for 0 to `max`, numbers only.
int js_to_u32(JSContext *ctx, JSValueConst value, uint32_t max, uint32_t *out);
// A typed array over all of `buffer` (consumed); JS_EXCEPTION stays one.
JSValue js_typed_array(JSContext *ctx, JSValue buffer, JSTypedArrayEnum type);
// A new Uint8Array with a copy of the bytes.
JSValue js_new_bytes(JSContext *ctx, struct span bytes);
// The bytes of a typed array or an ArrayBuffer; valid until JavaScript runs again or the value
// goes. -1 with a TypeError pending for anything else, and for what is detached.
int js_get_bytes(JSContext *ctx, JSValueConst value, struct span *out);
// {value, done} of an iteration. Consumes `value`; JS_EXCEPTION stays one.
JSValue js_iteration(JSContext *ctx, JSValue value, bool is_done);

// --- Natives: natives.c

// An area of the API as the modules of apps/js/lib import it: import * as native from
// "native:NAME". Made at the first import; scripts cannot import it.
struct js_native {
	const char *name;
	const JSCFunctionListEntry *entries;
	int num_entries;
	// Registers classes. May be NULL. -1 with an exception pending.
	int (*init)(JSContext *ctx);
};

// NULL when there is none of this name.
const struct js_native *js_native_find(const char *name);
