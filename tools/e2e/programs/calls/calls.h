// SPDX-License-Identifier: MIT
//
// What the parts of this program share. A line of its output is a call, and what came of it.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OWNER 1001u
#define OTHER 1002u
#define GROUP 1003u
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct person {
	const char *name;
	unsigned user, group;  // the effective ones, and another group (0: none)
};
extern const struct person people[4];

// Ends the line with "ok", "= N", or the name of errno, after a call that returned this.
void call(long returned, const char *format, ...) __attribute__((format(printf, 2, 3)));
// The same within a line.
void part(long returned, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Ends the program: what the calls stand on is not there.
void must(bool condition, const char *what);
// Takes its effective user and groups.
void become(const struct person *person);
// Goes to a new folder of this name, in place of one that is there, as root, and says so.
void fresh(const char *name);
// Removes PATH and what is in it.
void clear(const char *path);
// Makes a file that is not there.
void file_make(const char *path, const char *content, unsigned mode);
// Opens and closes.
int open_once(const char *path, int flags);
// Its mode and owners, as part of a line.
void owners_part(const char *path);

// open, with each way to open, of each kind of thing.
void calls_of_opens(void);
// All other calls by a path, and what may follow a name in it.
void calls_of_paths(void);
// Renames and links of each kind onto each.
void calls_of_renames(void);
// Listings, long names, chains of links, a folder that is gone.
void calls_of_listings(void);
// Who may do what.
void calls_of_rights(void);
// Who may change owners and modes.
void calls_of_owners(void);
// When setuid and setgid go, and what new things get.
void calls_of_set_ids(void);
// Which times a call moves.
void calls_of_times(void);
// Bytes: sizes, holes, copies.
void calls_of_content(void);
// Mapped files and programs.
void calls_of_memory(void);
// Extended attributes.
void calls_of_attributes(void);
// Locks and leases.
void calls_of_locks(void);
// Files without a name, sockets, FIFOs and devices.
void calls_of_nameless(void);
// Names of each kind, and opens of those that another machine made: only when they are asked for.
void calls_of_strangers_made(void);
void calls_of_strangers(void);
