// SPDX-License-Identifier: MIT
//
// The event loop: sources with callbacks over one poll. One thread runs a loop; its callbacks may
// add and remove sources, their own included. A removed source gets no callback any more, not even
// from the batch in hand.
#pragma once

#include <stdbool.h>

#include "libs/abi/error.h"
#include "libs/abi/handle.h"
#include "libs/abi/message.h"
#include "libs/abi/poll.h"
#include "libs/abi/time.h"
#include "libs/base/list.h"

struct loop;
struct source;

// What a source's owner wants to hear. NULL callbacks are not asked for. `context` is the source's.
struct source_ops {
	// A message was received. The callback owns its handles.
	void (*message)(struct loop *loop, struct source *source, struct message *m);
	// The messages of one turn were handled: the place to do once what each of them would cause
	// (kick a device). Not called when a callback removed the source.
	void (*batch_end)(struct loop *loop, struct source *source);
	// One more send will fit. Asked for only between source_want_writable(true) and (false).
	// Also called when the peer is gone while messages are not wanted, so that the send that
	// fails with ERR_PEER_CLOSED tells the owner.
	void (*writable)(struct loop *loop, struct source *source);
	// Anything else that is READABLE: a timer expired, an event was signalled, an interrupt
	// fired, a connection waits, a nested poll is ready. Level-triggered: the callback takes
	// the cause away.
	void (*signalled)(struct loop *loop, struct source *source);
	// The peer closed and its messages were drained; or the process or thread ended. The
	// callback should remove the source. Not called while messages are not wanted, for there
	// may be some left.
	void (*closed)(struct loop *loop, struct source *source);
	// Once, while messages are not wanted: the channel's peer is gone. Messages may be left.
	void (*hung_up)(struct loop *loop, struct source *source);
};

// Storage is the caller's, usually inside the state that `context` points to.
struct source {
	handle_t handle;
	const struct source_ops *ops;
	void *context;
	// Private.
	struct loop *loop;
	struct list entry;
	uint32_t interest;
	bool wants_writable;
	bool paused;   // messages are not wanted
	bool starved;  // no handle slot was free for its next message
	bool hung_up;  // its owner was told
};

struct loop {
	handle_t poll;
	struct list sources;
	bool stopped;
	// Private.
	struct source *current;  // whose callbacks run; NULL once it is removed
	size_t num_starved;
	struct poll_event batch[16];
	size_t batch_next;
	size_t batch_len;
};

// Errors: as poll_create's.
__must_check error_t loop_init(struct loop *loop);
// Closes the poll; the sources' handles stay their owners'.
void loop_deinit(struct loop *loop);
// Watches `handle` (not consumed). Channels: ops->message; others: ops->signalled. Errors: as
// poll_add's; the source has no handle then, for loop_close to close once more.
__must_check error_t loop_add(struct loop *loop, struct source *source, handle_t handle,
                              const struct source_ops *ops, void *context);
// Stops watching; no callback of `source` comes after this. The handle stays open and the owner's.
// A source that was never added or is removed already is left alone (when it was zeroed).
void loop_remove(struct loop *loop, struct source *source);
// As loop_remove, and closes the handle.
void loop_close(struct loop *loop, struct source *source);
// Turns the writable callback on or off. Errors: as poll_update's.
void source_want_writable(struct source *source, bool want);
// Stops taking messages (or signals) from the source (backpressure), or goes on. Takes effect at
// once, in the midst of a turn.
void source_want_messages(struct source *source, bool want);
// One wait (until `deadline`) and the callbacks of one batch. At most SOURCE_MESSAGES_PER_TURN
// messages of a source are taken before others get their turn. A callback must not turn its own
// loop. Errors: ERR_TIMED_OUT.
error_t loop_turn(struct loop *loop, nsec_t deadline);
// Turns until loop_stop.
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

#define SOURCE_MESSAGES_PER_TURN 32
