// SPDX-License-Identifier: MIT
//
// What a container has written, as bootd looks at it from outside (guest/bootd/layer.h).
#pragma once

#include <stdbool.h>

struct container;
struct json_writer;

// Writes the `process` object of bootd's builtin: "changes", "save", or "commit", for which the
// container stands still if it `is_frozen`. What is mounted in it, and what bootd writes, is left
// out.
void changes_write_process(const struct container *c, const char *what, bool is_frozen,
                           struct json_writer *w);
