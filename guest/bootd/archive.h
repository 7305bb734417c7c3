// SPDX-License-Identifier: MIT
// Archives of what the container sees, out of it and into it, as docker cp has them. These run in a
// process of their own in the container's namespaces, so no path leads out of it. A program that
// runs there may change everything meanwhile: that makes a bad archive at worst.
#pragma once

// Exit statuses, which `containers` knows (apps/containers/archive.c).
enum archive_status {
	ARCHIVE_OK = 0,
	ARCHIVE_FAILED = 1,
	ARCHIVE_NOT_FOUND = 2,
	ARCHIVE_NOT_FOLDER = 3,
	ARCHIVE_READ_ONLY = 4,
	ARCHIVE_OVER_FOLDER = 5,  // a folder would be replaced by something else
	ARCHIVE_OVER_OTHER = 6,   // the other way round
	ARCHIVE_MALFORMED = 7,
	ARCHIVE_NO_SPACE = 8,
	ARCHIVE_MOUNT_READ_ONLY = 9,  // what is mounted there, and not the root file system
};

// The status for an errno.
int archive_status_of(int error);

// Does what the words say, with 0 and 1: "stat PATH", "get PATH", "export PATH", or "put PATH
// OPTIONS USER", where the options are letters: k: keep_kinds, o: all is of USER, whose numbers are
// `uid` and `gid`, s: syncs. Returns the exit status.
int archive_run(char *const words[], unsigned uid, unsigned gid);

// Writes what is at `path` as docker's X-Docker-Container-Path-Stat, base64 of JSON, and a newline.
int archive_stat(const char *path, int out);
// The same, and then a pax archive of what is there, whose names begin with the path's last one.
int archive_get(const char *path, int out);

// Writes an archive of all that is in the file system of `path`, with names from there on. What is
// mounted in it is an empty folder.
int archive_export(const char *path, int out);

struct archive_put {
	int keep_kinds;  // a folder is not replaced by something else, nor the other way round
	int syncs;       // it is on the disk then
	int has_owner;   // all is of uid and gid
	unsigned uid;
	unsigned gid;
};
// Extracts the archive that comes from `in`, to its end, into the folder `path`.
int archive_put(const char *path, const struct archive_put *how, int in);
