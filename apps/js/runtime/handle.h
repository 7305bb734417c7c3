// SPDX-License-Identifier: MIT
//
// Objects of scripts that own a handle: folios, channels, interrupts, ... Each kind is a class of
// the engine's; what they share is here, so that a message can carry any of them.
#pragma once

#include "apps/js/runtime/js.h"

struct js_handle_kind;

// What the object has; a kind's own struct begins with it.
struct js_handle {
	handle_t handle;  // HANDLE_NONE: it was closed or sent
	const struct js_handle_kind *kind;
};

// All hooks may be NULL.
struct js_handle_kind {
	const char *name;  // of its class in scripts
	size_t size;       // of its struct
	// Whether a handle that was received is of an object of this kind.
	bool (*accepts)(handle_t handle);
	// The object was just made: its struct is zeroed but for what is shared.
	void (*made)(struct js_handle *h, JSValueConst object);
	// The handle is about to be closed, or was sent: what hangs on it goes (mappings, waiters).
	void (*gone)(JSContext *ctx, struct js_handle *h);
	// Nobody refers to the object any more. One that was not closed has its handle still, which
	// is closed after this, unless the hook takes it away (HANDLE_NONE).
	void (*finalise)(JSRuntime *rt, struct js_handle *h);
	void (*mark)(JSRuntime *rt, struct js_handle *h, JS_MarkFunc *mark);
	// Private.
	JSClassID id;
};

struct js_handle_counts {
	uint32_t open;       // handles that objects own
	uint32_t forgotten;  // handles that were closed because nobody referred to their object
};
extern struct js_handle_counts js_handle_counts;

// Makes the kind's class, unless it is made: `functions` are its prototype's, beside close() and
// closed. -1 with an exception pending.
int js_handle_kind_init(JSContext *ctx, struct js_handle_kind *kind,
                        const JSCFunctionListEntry *functions, int count);
// A new object for `handle` (consumed, also on failure), its struct zeroed but for `handle` and
// `kind`. Throws: out of memory.
JSValue js_handle_new(JSContext *ctx, const struct js_handle_kind *kind, handle_t handle);
// The struct of an object of this kind (NULL: of any) that has its handle still. NULL: it threw, a
// TypeError for what is no such object, ERR_BAD_HANDLE for one that was closed or sent.
void *js_handle_of(JSContext *ctx, JSValueConst value, const struct js_handle_kind *kind);
// The struct of an object of this kind (NULL: of any), closed or not. NULL: it is none.
struct js_handle *js_handle_peek(JSValueConst value, const struct js_handle_kind *kind);
// The handle of the object was sent, or belongs to somebody else: it is closed as far as the script
// can tell.
void js_handle_sent(JSContext *ctx, struct js_handle *h);
// Closes its handle. One that is closed is left alone.
void js_handle_close(JSContext *ctx, struct js_handle *h);

// An object for a handle that was received (consumed, also on failure): of the kind that accepts
// it, of those that are made. Throws: out of memory.
JSValue js_handle_wrap(JSContext *ctx, handle_t handle);

// Whether to try again what failed for want of handles or memory: garbage was collected, which may
// have had some.
bool js_handle_retry(JSContext *ctx, error_t error);
