// SPDX-License-Identifier: MIT
//
// The console port between hostfs, the app, and starina-run, which serves the host's folders: FUSE
// requests one way, replies the other, each behind a header that says of which session it is. Both
// sides count on each other's reading: the OS has at most FILES_MAX_REQUESTS of a session on their
// way, and takes every reply at once.
//
// The OS begins with FILES_PORT_HELLO, each time that it opens the port, and takes what comes for
// rest of before until the same frame comes back. Sessions of before that have a key wait from then
// on for FILES_PORT_SESSION with it, for FILES_PORT_KEEP_SECONDS; the others end. Before that, when
// the console's driver has died, come FILES_PORT_PAD bytes, at least one frame's: they end one that
// is only half there, and its `check` is wrong then.
//
// A port moves a page at a time. So there may be a disk besides, FILES_WINDOW, which is memory of
// starina-run's: FILES_WINDOW_SLOTS of FILES_WINDOW_SLOT_BYTES. The OS gives a request a slot,
// which is the request's until its reply has come, or hello has. A long request may be written
// there before its frame goes, which has FILES_PORT_PLACED then, as the frame of a long reply has
// that was put there.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define FILES_PORT "org.starina.files"
#define FILES_PORT_MAX_SESSIONS 64u
#define FILES_PORT_KEEP_SECONDS 60u
#define FILES_PORT_PAD 0xb7u

// The longest name of a share, with what may be behind it.
#define FILES_PORT_NAME_MAX 35u

// A session of one share begins with a frame that has the share's name behind the header (shorter
// than any request), which has no answer: "NAME" is a session whose root is the share; of "NAME/"
// the root has one child, "0", which is the share; of "NAME/ro" likewise, and nothing can be
// changed. Where there is no such share, the session's requests are answered with ENOENT. A frame
// from the host without anything behind the header: there is no session of that key.
struct files_port_header {
	uint32_t length;   // bytes, with this header; a request of no more than it ends the session
	uint16_t session;  // of the OS's choice; the first request of one is FUSE_INIT; 0: control
	uint16_t check;    // files_port_check, of what goes to the host with this header
	uint8_t slot;      // of the window, from 1 on; 0: none
	uint8_t flags;     // FILES_PORT_PLACED
	uint16_t reserved;
	uint32_t offset;  // FILES_PORT_PLACED: in the slot
};
_Static_assert(sizeof(struct files_port_header) == 16, "files_port_header");

// What would be behind the header is in the slot at `offset`; the next header is behind this one.
#define FILES_PORT_PLACED (1u << 0)

#define FILES_WINDOW "files"
#define FILES_WINDOW_SLOTS 16u
#define FILES_WINDOW_SLOT_BYTES (272u * 1024)
// Of a request or a reply that is worth a slot.
#define FILES_WINDOW_MIN_BYTES (16u * 1024)

enum files_port_kind {
	FILES_PORT_HELLO = 1,
	FILES_PORT_SESSION = 2,  // before a session's first frame: it has a key
};

// What is behind the header of session 0.
struct files_port_control {
	uint32_t kind;
	uint32_t session;   // of FILES_PORT_SESSION
	uint64_t value[2];  // the key in the first; of FILES_PORT_HELLO, random numbers
};
_Static_assert(sizeof(struct files_port_control) == 24, "files_port_control");

// Of the end of what is behind a header: what comes in its place is told from it.
static inline uint16_t files_port_check(const void *body, size_t length)
{
	const uint8_t *bytes = (const uint8_t *)body;
	uint32_t sum = (uint32_t)length;

	for (size_t i = length > 64 ? length - 64 : 0; i < length; i++)
		sum = sum * 31 + bytes[i];
	return (uint16_t)(sum ^ sum >> 16);
}
