// SPDX-License-Identifier: MIT
//
// How a registry is reached from here: with whose name, and where what the user calls localhost is.
#pragma once

#include <jansson.h>
#include <netinet/in.h>
#include <stdbool.h>

#include "tools/common/error.h"

// Of a line of credentials, with a NUL. A pipe takes as much at once (pipe(7)).
#define REGISTRY_ACCESS_MAX 65536

// Reads a line of credentials from `fd`: a JSON object, the caller's; NULL for an empty line. -1
// with `err`.
int registry_access_read(int fd, json_t **credentials, struct error *err);
// Makes the file in which skopeo has credentials (REGISTRY_AUTH_FILE), with `document`
// (containers-auth.json(5); NULL: memory is out). It is in $TMPDIR, or /tmp, which is in memory in
// the system container. registry_access_forget removes it, after an error as well. -1 with `err`.
int registry_access_file(const json_t *document, struct error *err);
// Reads credentials from `fd`, a line: the JSON that X-Registry-Auth holds (AuthConfig of the
// Docker Engine API), or an object without any. They are kept for skopeo in that file, for the
// registry of `location` (a whole name, reference.h). -1 with `err`.
int registry_access_credentials(int fd, const char *location, struct error *err);
// Puts the credentials, as the value of a field Authorization, into `*login`, until they are
// forgotten; NULL: there are none. False: they can be no such value.
bool registry_access_login(const char **login);
// Removes that file, if there is one.
void registry_access_forget(void);

// The address of our network's gateway, behind which the user's machine is. False: there is none,
// or this is the user's own machine.
bool registry_access_gateway(char text[static INET_ADDRSTRLEN]);
// Where skopeo finds `location`: this virtual machine's localhost is not the user's, whose machine
// is the gateway of its network. The caller frees it; NULL: out of memory. `*is_local` says whether
// it is the user's machine, which needs no TLS.
char *registry_access_location(const char *location, bool *is_local);
// Puts what the user called the registry, `name`'s host, in place of `location`'s in `err`.
void registry_access_rename(const char *location, const char *name, struct error *err);
