// SPDX-License-Identifier: MIT
//
// Between the parts of vm_files: vm_files.c has the device, its requests and the shares,
// vm_files_root.c its root, vm_files_session.c the sessions and their providers.
#pragma once

#include "libs/abi/linux_error.h"
#include "libs/linux/vm/vm_files.h"

// Of the URIs of "volumes".
#define FILES_VOLUMES_PREFIX "volumes:"

// Seconds for which the guest may remember the root and its entries, which do not change.
#define FILES_ROOT_VALID 3600u

// --- vm_files.c ---

// Around calls of the device's from the loop: the machine's lock, if it is not held.
void files_enter(struct vm_files *files);
void files_leave(struct vm_files *files);
// What a request that wants a reply is to us.
struct files_pending *files_pending_of(struct vm_files *files,
                                       const struct fs_device_request *request);
// Ends a request with an error of Linux's (positive).
void files_fail(struct vm_files *files, struct fs_device_request *request, int32_t linux_error);
// The session's oldest request that is to be sent; NULL: there is none.
struct fs_device_request *files_next_unsent(struct files_session *session);
// Puts a request (with its `unique`) into a message for its session. Errors: ERR_ADDRESS (the guest
// has taken it back), ERR_INVALID (`*linux_error` says why it is none), folio_create's.
__must_check error_t files_encode(struct vm_files *files, const struct fs_device_request *request,
                                  struct message *m, int32_t *linux_error);
// A request has ended, and with it the memory of its message.
void files_memory_is_back(struct vm_files *files);
// Room for a request of `length` bytes in `m`, or in a folio that `m` carries. Errors:
// folio_create's, folio_map's.
__must_check error_t files_make_room(struct message *m, uint32_t opcode, size_t length,
                                     uint8_t **out);
// The session of a guest's node id; NULL: the guest was not given the node.
struct files_session *files_session_of(struct vm_files *files, uint64_t id);
// Whether a request that needs memory can wait for others that will be answered: it is sent then.
__must_check bool files_wait_for_memory(struct vm_files *files);
// The session is gone: fails all its requests.
void files_fail_session(struct files_session *session);
// Where the session's ids are among the guest's.
uint32_t files_slot_of(const struct files_session *session);

// The session that the share is of.
struct files_session *files_session_for(struct vm_files *files, const struct vm_share *share);

// --- vm_files_ahead.c ---

// The session is open for the first time: its shares that the guest has not asked for are to be
// looked up.
void files_ahead_plan(struct files_session *session);
// Looks up what is planned, a few at a time: when one is answered, and when a session is open.
void files_ahead_go_on(struct vm_files *files);
// Takes the answer to that (whose ids are right): the request ends.
void files_ahead_take(struct files_session *session, struct fs_device_request *request,
                      struct span reply);
// Answers the guest's look-up of a share, if it was made ahead.
__must_check bool files_ahead_give(struct files_session *session, struct fs_device_request *request,
                                   const struct vm_share *share);
// The session's answers are worth no more.
void files_ahead_drop(struct files_session *session);

// --- vm_files_forget.c ---

// FUSE_FORGET and FUSE_BATCH_FORGET. Return false when it is to come again: a session cannot take
// its part. `forgotten` tells who has it already.
bool files_forget(struct vm_files *files, const struct fs_device_request *request);
bool files_forget_batch(struct vm_files *files, const struct fs_device_request *request);
// Answers RELEASE and RELEASEDIR at once, and sends them on so that no answer comes: Linux waits
// for them, and knows nothing to do with one. Returns false, with nothing done, when the request is
// another one, or cannot be sent now.
__must_check bool files_release(struct files_session *session, struct fs_device_request *request);
// Tells the session to forget one look-up of each node in the reply to an `opcode`, which the guest
// does not get. What cannot be told now, the session has until its end.
void files_forget_reply(struct files_session *session, uint32_t opcode, struct span reply);

// --- vm_files_timer.c ---

// Has `ops` told in `delay`, with `context`. Errors: timer_create's, loop_add's, timer_set's.
__must_check error_t files_timer_set(struct vm_files *files, struct files_timer *timer,
                                     const struct source_ops *ops, void *context, nsec_t delay);
// It is not due, until it is set again.
void files_timer_stop(struct files_timer *timer);
// Closes it. Without effect on a zeroed one.
void files_timer_close(struct vm_files *files, struct files_timer *timer);

// --- vm_files_later.c ---

// The device's look_later.
bool files_look_later(void *context);

// --- vm_files_loan.c ---

// A folio of FILES_LOAN_BYTES, of any content. Errors: folio_create's.
__must_check error_t files_loan_take(struct files_session *session, handle_t *out);
// Whether the session's provider is lent folios: one that gives none back is not.
bool files_lends(const struct files_session *session);
// Keeps a folio that came from the provider for later (consumed), if it is one to lend.
void files_loan_back(struct files_session *session, handle_t folio);
// Closes the folios that the session keeps.
void files_loans_close(struct files_session *session);
// Closes all, and the timer.
void files_loans_deinit(struct vm_files *files);

// --- vm_files_reply.c ---

// The provider's answer to a request of the session's. Errors: ERR_PROTOCOL (it is none).
__must_check error_t files_reply(struct files_session *session, struct span reply);
// Ends a request of the guest's with a reply whose ids are right.
void files_deliver(struct files_session *session, struct fs_device_request *request,
                   struct span reply);

// --- vm_files_root.c ---

// A request before there are shares: FUSE_INIT waits for them, anything else ends.
void files_init_later(struct vm_files *files, struct fs_device_request *request);
// A look-up in the root while the guest rehearses: ends it.
void files_rehearsal_look_up(struct vm_files *files, struct fs_device_request *request);
// If the guest rehearses, that is over: it is to say again what it speaks.
void files_rehearsal_end(struct vm_files *files);
// A request to the device itself or to its root, LOOKUP and forgets excepted: ends it.
void files_root_request(struct vm_files *files, struct fs_device_request *request);
// FUSE_DESTROY for the session, if it is to be sent one now. Errors: as files_session_send's.
__must_check error_t files_destroy_send(struct files_session *session);
// The session has answered it, or is gone.
void files_destroyed(struct files_session *session);

// --- vm_files_session.c ---

// Opens the session, unless it is or was.
void files_session_start(struct files_session *session);
// The guest has said what it speaks: greets the provider, if that waited for it.
void files_session_greet(struct files_session *session);
// Sends what waits, as far as the channel takes it.
void files_session_pump(struct files_session *session);
// Sends a message without a reply (consumed on success). Errors: ERR_FULL (the device is resumed
// when there is room), channel_send's.
__must_check error_t files_session_send(struct files_session *session, struct message *m);
// Ends it; requests are not told.
void files_session_close(struct files_session *session, enum files_session_state state);
