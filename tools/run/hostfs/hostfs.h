// SPDX-License-Identifier: MIT
//
// Folders of the host as a FUSE file system: the server's side, from one request to one reply. It
// works as an ordinary user, and the other side is hostile: each length, name, node and handle is
// checked, and no symbolic link is ever followed here.
//
// The root has one child a share, "0", "1" and so on. What the container's root owns belongs to the
// user who runs this. What such a user cannot have on the host (owners, setuid, devices) is kept in
// the extended attribute HOSTFS_OVERRIDE of the file.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOSTFS_MAX_SHARES 32u
// Bytes of data of one READ or WRITE at most.
#define HOSTFS_MAX_DATA (256u * 1024)
// Of a whole request or reply.
#define HOSTFS_MAX_MESSAGE (HOSTFS_MAX_DATA + 4096u)
#define HOSTFS_OVERRIDE "user.containers.override_stat"

struct hostfs;

// Of a share that has a name.
#define HOSTFS_NAME_MAX 32u

struct hostfs_share {
	int fd;  // of a directory or a regular file; stays the caller's, and open
	bool read_only;
	const char *name;  // NULL: it has a number
};

// Makes a file system of `count` shares (at most HOSTFS_MAX_SHARES). NULL: there is no memory.
struct hostfs *hostfs_create(const struct hostfs_share *shares, unsigned count);
// The same of one share that is the root itself, a directory. NULL: there is no memory.
struct hostfs *hostfs_create_rooted(const struct hostfs_share *share);
// Forgets all nodes and closes all files.
void hostfs_destroy(struct hostfs *fs);
// Serves one request, and blocks for as long as the host's file system does. `reply` has room for
// HOSTFS_MAX_MESSAGE bytes. Returns the reply's length; 0: there is none (FORGET), it comes later
// (hostfs_changes), or the request is none.
size_t hostfs_request(struct hostfs *fs, const void *request, size_t length, void *reply);
// Replies to the guest's read that waits for changes (libs/abi/files_change.h), if there are any.
// Returns the reply's length, or 0, and in how many milliseconds to ask again though nothing has
// come; -1: not.
size_t hostfs_changes(struct hostfs *fs, void *reply, int *wait_ms);
// Nobody waits for changes any more.
void hostfs_changes_unask(struct hostfs *fs);
// What to wait for besides: readable when something was changed on the host. -1: nothing.
int hostfs_watch_fd(const struct hostfs *fs);
