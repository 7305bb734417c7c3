// SPDX-License-Identifier: MIT
//
// What the files of Channel share: its life and the loop (channel.c), receiving, sending.
#pragma once

#include "apps/js/native/channel.h"
#include "apps/js/native/messages.h"
#include "apps/js/runtime/waiters.h"

// Messages that are kept for who may ask for them: few, for their handles are the app's already.
#define KEPT_MAX 16

// What a receiver waits with: of an iteration it is told the end, and else an error.
enum receiver_kind {
	RECEIVER_RECV,
	RECEIVER_NEXT,
};

struct kept_message {
	struct list entry;
	struct message m;
};

struct js_channel {
	struct js_handle h;
	struct source source;
	// The object, which is not counted, but while `is_held`: somebody waits for what comes.
	JSValue self;
	bool is_held;
	bool is_added;     // to the loop
	bool is_paused;    // no message is taken by the loop
	bool peer_closed;  // and all messages were taken by the loop
	struct js_waiters receivers;
	struct js_waiters requests;  // key: the id
	struct js_waiters writers;
	struct list kept;
	size_t num_kept;
	JSValue on_message;
	JSValue on_closed;
	uint64_t last_id;
};

// NULL: an exception is pending.
struct js_channel *js_channel_of(JSContext *ctx, JSValueConst self);
// The same, be it closed or not; NULL: it is no Channel.
struct js_channel *js_channel_peek(JSValueConst self);
// Holds the object, and with it the app, while somebody waits. May free it otherwise: the caller
// has a reference of its own, or does not use it any more.
void js_channel_hold(JSContext *ctx, struct js_channel *c);
// Has the loop take messages, or only say when there is room. -1 with an exception pending.
int js_channel_watch(JSContext *ctx, struct js_channel *c, bool takes);
// Takes the oldest of the messages that were kept.
void js_channel_take_kept(struct js_channel *c, struct message *m);
// Whether there is no room to keep one more, so that the answer to a request may never be reached.
bool js_channel_is_full(const struct js_channel *c);
// Settles the request that the message answers. False: it is no answer.
bool js_channel_answer(JSContext *ctx, struct js_channel *c, struct message *m);
// Forgets the callbacks.
void js_channel_stop_callbacks(JSContext *ctx, struct js_channel *c);

// The methods of the prototype: channel_receive.c.
JSValue js_channel_recv(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv);
JSValue js_channel_next(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv);
JSValue js_channel_on_message(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv);
// channel_send.c.
JSValue js_channel_send(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv);
JSValue js_channel_request(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv);
JSValue js_channel_writable(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv);
