// SPDX-License-Identifier: MIT
//
// What several resources have of snapshots (libs/look).
#pragma once

#include "apps/httpd/api/api.h"
#include "libs/look/look.h"

// The name of the process of that number in a snapshot of LOOK_PROCESSES; "" when it has ended.
const char *process_name(const struct look_buffer *processes, uint32_t id);
// {"how":...,"status":N}, or null.
void write_end(struct json_writer *w, const char *name, uint32_t end, int32_t status);
// A snapshot of `kind` in *buffer, which the caller frees, on errors too. Errors: look_take's.
__must_check error_t snapshot(struct httpd *httpd, enum look_kind kind, uint64_t argument,
                              struct look_buffer *buffer);
