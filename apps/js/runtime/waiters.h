// SPDX-License-Identifier: MIT
//
// Promises that a native has given away and will settle later, oldest first: recv() of a channel,
// the connections of a service.
#pragma once

#include "apps/js/runtime/js.h"
#include "libs/base/list.h"

// One promise, as its two functions.
struct js_waiter {
	struct list entry;
	JSValue resolve;
	JSValue reject;
	uint64_t key;  // the owner's: what it waits for
};

// An owner of promises; its kind's mark hook calls js_waiters_mark.
struct js_waiters {
	struct list list;
};

// None waits.
void js_waiters_init(struct js_waiters *waiters);
// Whether somebody waits.
bool js_waiters_any(const struct js_waiters *waiters);
// The oldest one; NULL: none waits.
struct js_waiter *js_waiters_first(const struct js_waiters *waiters);
// A new promise that waits. `*out` (may be NULL) is what it waits with. Throws: out of memory.
JSValue js_waiters_add(JSContext *ctx, struct js_waiters *waiters, uint64_t key,
                       struct js_waiter **out);
// Settles the promise with `value` (consumed); JS_EXCEPTION: rejects it with what is pending. Its
// jobs are not run: see js_run_jobs. The waiter is gone then. An object's `then` is looked up,
// which may run code of the script's.
void js_waiter_resolve(JSContext *ctx, struct js_waiter *waiter, JSValue value);
// The same for a rejection; JS_EXCEPTION: with what is pending.
void js_waiter_reject(JSContext *ctx, struct js_waiter *waiter, JSValue error);
// Settles it later (js_call_later): nothing of the script's runs before this returns. `value` is
// consumed; JS_EXCEPTION: rejects it with what is pending.
void js_waiter_resolve_later(JSContext *ctx, struct js_waiter *waiter, JSValue value);
// The same for a rejection with the error.
void js_waiter_reject_later(JSContext *ctx, struct js_waiter *waiter, error_t error,
                            const char *what);
// The same of all that wait: with undefined, or with the error.
void js_waiters_resolve_later(JSContext *ctx, struct js_waiters *waiters);
void js_waiters_reject_later(JSContext *ctx, struct js_waiters *waiters, error_t error,
                             const char *what);
// Has it wait last in another owner's list.
void js_waiter_move(struct js_waiter *waiter, struct js_waiters *to);
// A promise that is settled with `value` already, as js_waiter_resolve does it.
JSValue js_resolved(JSContext *ctx, JSValue value);
// Rejects all with the error.
void js_waiters_reject(JSContext *ctx, struct js_waiters *waiters, error_t error, const char *what);
// Forgets a waiter, whose promise is never settled.
void js_waiter_free(JSRuntime *rt, struct js_waiter *waiter);
void js_waiters_free(JSRuntime *rt, struct js_waiters *waiters);
void js_waiters_mark(JSRuntime *rt, const struct js_waiters *waiters, JS_MarkFunc *mark);
