// SPDX-License-Identifier: MIT
//
// What clients say of a command to run, as JSON or in a query.
#pragma once

#include "apps/httpd/api/commands.h"
#include "libs/base/span.h"

// Reads {"argv":[...],"env":["NAME=VALUE"],"cwd":"","user":"","image":"","memory":bytes}.
// *input becomes "stdin", on the heap, or NULL. Errors: ERR_PROTOCOL, ERR_TOO_LARGE, ERR_NO_MEMORY.
__must_check error_t words_read_json(struct command_words *words, struct span body, char **input);
// Reads argv=... (again and again), image, cwd, rows, cols and memory. Without argv it is a shell.
// Errors: ERR_INVALID, ERR_TOO_LARGE, ERR_NO_MEMORY.
__must_check error_t words_read_query(struct command_words *words, struct span query);
void words_free(struct command_words *words);
