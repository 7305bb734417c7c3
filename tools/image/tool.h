// SPDX-License-Identifier: MIT
//
// The program that does part of the work, skopeo: started with its messages kept aside, so that the
// user sees one clear line when it fails and nothing when it does not.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "tools/common/error.h"

struct tool {
	const char *name;
	pid_t pid;
	int log_fd;  // an unlinked file with its stderr
};

// Starts `argv`. `scratch` is where temporary files go, its own ones too; the descriptors may be
// -1.
int tool_start(struct tool *tool, const char *const argv[], int stdin_fd, int stdout_fd, int cwd_fd,
               const char *scratch, struct error *err);

// Waits for the end. -1 with "CONTEXT: what the program said last" when it failed.
int tool_finish(struct tool *tool, const char *context, struct error *err);

// As tool_finish(), and says how many bytes have come together below `directory` of `total` (0:
// unknown).
int tool_finish_watched(struct tool *tool, const char *context, const char *what,
                        const char *directory, uint64_t total, struct error *err);

// Runs `argv` and returns what it wrote to stdout, NUL-terminated, at most `max` bytes; the caller
// frees it. NULL with "CONTEXT: ...".
char *tool_output(const char *const argv[], size_t max, size_t *length, const char *context,
                  const char *scratch, struct error *err);

// The same, whatever its exit status says; NULL without a reason.
char *tool_words(const char *const argv[], size_t max, const char *scratch);

// What a line of skopeo says (time="..." level=fatal msg="..."), without the rest; `line` is
// changed, and returned or pointed into.
char *tool_message_unwrap(char *line);
