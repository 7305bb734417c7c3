// SPDX-License-Identifier: MIT
//
// The console port between hostfs, the app, and starina-run, which serves the host's folders: FUSE
// requests one way, replies the other, each behind a header that says of which session it is. Both
// sides count on each other's reading: the OS has at most FILES_MAX_REQUESTS of a session on their
// way, and takes every reply at once.
#pragma once

#include <stdint.h>

#define FILES_PORT "org.starina.files"
#define FILES_PORT_MAX_SESSIONS 64u

// The longest name of a share.
#define FILES_PORT_NAME_MAX 32u

// A session of one share begins with a frame that has the share's name behind the header (shorter
// than any request), which has no answer; where there is no such share, the session's requests are
// answered with ENOENT.
struct files_port_header {
	uint32_t length;   // bytes, with this header; a request of no more than it ends the session
	uint32_t session;  // of the OS's choice; the first request of one is FUSE_INIT
};
_Static_assert(sizeof(struct files_port_header) == 8, "files_port_header");
