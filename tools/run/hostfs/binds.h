// SPDX-License-Identifier: MIT
//
// Folders and files of the host that are asked for while the OS runs, below one folder (run.sh
// --share). Each is a share whose name is "+NUMBER". It is the OS that asks, which is not trusted:
// what lies outside of that folder stays there, whatever links lead to it.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tools/run/hostfs/hostfs.h"

#define BINDS_MAX 1024u
#define BINDS_PATH_MAX 4096u  // of a path, with its NUL

struct binds {
	int root;          // of a directory; -1: there are no binds. Stays the caller's
	const char *path;  // the root's, for errors
	// Private.
	struct hostfs_share all[BINDS_MAX];
	unsigned count;
};

// What is asked for over a socket of datagrams, and the answer.
enum bind_kind {
	BIND_KEEP = 'k',  // what is not there is an error
	BIND_MAKE = 'm',  // it is made, as a folder
};

struct bind_answer {
	unsigned number;  // 0: it was refused
	char text[256];   // and why, as docker says it
};

// Opens `path`, which is absolute; its links are followed. What is open already has the number that
// it had.
void binds_open(struct binds *binds, enum bind_kind kind, const char *path,
                struct bind_answer *answer);
// The share of a name ("+NUMBER") of so many bytes. NULL: there is none.
const struct hostfs_share *binds_find(const struct binds *binds, const char *name, size_t length);
// Takes a datagram from `socket`, a kind and a path, and answers it. Returns false when there will
// be no more.
bool binds_serve(struct binds *binds, int socket);
// Closes all.
void binds_close(struct binds *binds);
