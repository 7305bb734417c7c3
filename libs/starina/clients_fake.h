// SPDX-License-Identifier: MIT
//
// Those around an app that is fuzzed over system_fake.h: what they send, take and leave, and the
// list of steps that most fuzzers read their input as.
#pragma once

#include "libs/starina/system_fake.h"

// What a message carries beside its bytes: nothing, a folio, or what is not a folio.
enum fake_cargo { FAKE_NOTHING, FAKE_FOLIO, FAKE_EVENT };
enum fake_cargo fake_cargo(bool anything, bool folio);

// Sends from the test; what the channel does not take is discarded. HANDLE_NONE: does nothing.
void fake_send(handle_t channel, struct message *m);
// Sends a message of the type, with as many of the bytes as fit. A folio is of `folio_size` bytes;
// without memory for it the message carries nothing. HANDLE_NONE: does nothing.
void fake_say(handle_t channel, uint32_t type, const uint8_t *data, size_t len,
              enum fake_cargo cargo, size_t folio_size);
// Sends bytes, in a folio if they are many. HANDLE_NONE: does nothing.
void fake_send_bytes(handle_t channel, const void *data, size_t len);
// One of what the other end of a stream can do: 0 closes it, 1 takes all, 2 is an end, 3 any
// message, which `how` chooses; anything else sends the bytes.
void fake_stream_acts(handle_t *end, unsigned act, uint8_t how, const uint8_t *data, size_t len);
// Takes a message, and closes the handles in it but the first, which is `*handle` (HANDLE_NONE: it
// has none). Returns whether there was one. HANDLE_NONE: there is none.
bool fake_take(handle_t channel, struct message *m, handle_t *handle);
// Takes all messages. A channel that was opened (MSG_OPEN_REPLY) or connected (MSG_CONNECT) is put
// where `ends` has none yet; all other handles are closed.
void fake_take_all(handle_t channel, handle_t *ends, size_t num_ends);
// Takes a request to open something, of a provider, which is accepted if it is HANDLE_NONE. Returns
// whether there was one.
bool fake_provider_asked(handle_t connector, handle_t *provider);
// Answers that with a channel, whose other end is `*end` then, or closed if the answer cannot be
// sent. False: there is none.
bool fake_provider_opens(handle_t provider, handle_t *end);
// Closes what is open, which is HANDLE_NONE then.
void fake_close(handle_t *end);

// Turns the loop until nothing is to be done.
void fake_loop_settle(struct loop *loop);

// What a fuzzer does at one step, and what the app and the others do after it.
typedef void fake_step(unsigned what, uint8_t how, const uint8_t *data, size_t len);
typedef void fake_turn(void);
// Goes through a list of steps: what, of `num_steps` kinds; how; a length; and so many bytes.
void fake_steps(const uint8_t *data, size_t size, unsigned num_steps, fake_step *step,
                fake_turn *turn);
