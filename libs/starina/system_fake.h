// SPDX-License-Identifier: MIT
//
// The kernel for fuzzers and host tests of whole apps: channels, polls, timers, events, folios,
// services, a clock and a heap. All processes share one table of handles, so the test plays the
// others by the same calls. A call with a handle that is not the caller's any more, as after it was
// sent, aborts: no app may do that, whatever it is sent.
#pragma once

#include <setjmp.h>

#include "libs/starina/loop.h"
#include "libs/starina/syscall.h"

// A service of the app, and a connector to one of others. A connection waits at both until it is
// taken.
handle_t fake_service_create(void);
handle_t fake_connector_create(void);
// Who makes channels from now on, as channel_maker tells it: at most APP_NAME_MAX - 1 bytes.
extern const char *fake_app_name;
// A client connects to the app's service: the client's end of the channel. HANDLE_NONE: no room.
handle_t fake_client_connect(handle_t service);
// The provider takes a connection that the app made by its connector: the provider's end.
// HANDLE_NONE: there is none.
handle_t fake_provider_accept(handle_t connector);

// Lets time pass.
void fake_time_pass(nsec_t ns);
// After `n` allocations of heap or folios one fails; 0: none does.
void fake_memory_fail(unsigned n);
// The app's process ends, with all that it and the others have: a fresh system. process_exit leaves
// by `fake_exit`, which the test has set.
void fake_reset(void);
extern jmp_buf fake_exit;
// What others do while an app waits in a blocking call; NULL: nothing.
extern void (*fake_while_waiting)(void);
// An interrupt: raised, it is ready until it is acknowledged.
handle_t fake_interrupt_create(void);
void fake_interrupt_raise(handle_t interrupt);
// Handles that are open or wait in channels, and pieces of the heap: what an app leaves behind.
size_t fake_num_handles(void);
size_t fake_num_allocated(void);
// Bytes of the heap that are allocated.
size_t fake_bytes_allocated(void);
