// SPDX-License-Identifier: MIT
//
// Asks the server of the host's folders (tools/run/hostfs/binds.h) to open one more.
#pragma once

#include <poll.h>
#include <stdbool.h>

// How a request ended: the number, or 0 and why not, in docker's words.
typedef void (*bound_fn)(void *context, unsigned number, const char *error);

struct binder {
	int socket;  // not blocking; stays the caller's; -1: nobody is there
	// Private.
	bound_fn done;  // of the request in hand; NULL: there is none
	void *context;
};

// Begins with the server behind `socket`.
void binder_init(struct binder *binder, int socket);
// Asks for `path`, which is made as a folder where it is missing if `make`. `done` comes once, from
// within this call or from binder_move(). One request at a time.
void binder_request(struct binder *binder, bool make, const char *path, bound_fn done,
                    void *context);
// What to wait for.
struct pollfd binder_prepare(const struct binder *binder);
// Does what can be done without blocking.
void binder_move(struct binder *binder, const struct pollfd *fd);
