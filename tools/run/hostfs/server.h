// SPDX-License-Identifier: MIT
//
// The process that serves the host's folders to the OS (libs/abi/files_port.h). It is a process of
// its own: it may wait for a disk while the container's streams go on, its file mode mask is its
// own, and nothing of run.sh's is open in it.
#pragma once

#include <sys/types.h>

#include "tools/common/error.h"
#include "tools/run/hostfs/hostfs.h"

// What may be opened while it runs (binds.h).
struct hostfs_binding {
	int socket;  // of datagrams
	int root;    // of the directory below which that is
	const char *path;
};

// Starts it. It serves `socket`, and QEMU's requests of the window (window.h; -1: none), until that
// is at its end, or this process is; `binding` may be NULL. Returns its process id, which is the
// caller's to end and to wait for, or -1 with `err`.
pid_t hostfs_server_start(int socket, int window, const struct hostfs_share *shares, unsigned count,
                          const struct hostfs_binding *binding, struct error *err);
// What it does: serves requests from `socket` (which blocks) until its end, or a request that is
// none.
void hostfs_serve(int socket, int window, const struct hostfs_share *shares, unsigned count,
                  const struct hostfs_binding *binding);
