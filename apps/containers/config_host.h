// SPDX-License-Identifier: MIT
//
// What config.json says of a container's limits, names and privileges.
#pragma once

#include "apps/containers/settings.h"
#include "libs/json/json.h"

// Members of a process, with a comma before each: who it is (`user` NULL: root), and what it may;
// one that is privileged has all capabilities.
void config_write_user(struct json_writer *w, const struct host_settings *host, const char *user);
void config_write_rights(struct json_writer *w, const struct host_settings *host,
                         bool is_privileged);
// Writes a member whose value is all of `text`, as a string; `key` is JSON, with the colon. Frees
// `text`, which is empty then.
void config_write_text(struct json_writer *w, const char *key, struct json_writer *text);
// Annotations (guest/bootd/config.h) of its init and its resolver, with a comma before each.
void config_write_annotations(struct json_writer *w, const struct settings *s);
// The member "linux", with a comma before it, if there is anything to be said.
void config_write_linux(struct json_writer *w, const struct settings *s);
