// SPDX-License-Identifier: MIT
// Why a container could not be set up: what the VMM is told in a FAILED event.
#pragma once

#include <stdint.h>

enum failure_status {
	FAILURE_SETUP = 125,
	FAILURE_NOT_EXECUTABLE = 126,
	FAILURE_NOT_FOUND = 127,
};

struct failure {
	int32_t status;  // enum failure_status: what the shell would say
	int32_t error;   // negative errno, never 0 once set
	char message[512];
};

// Fills `failure` with a formatted UTF-8 message, cut to fit, and returns `error` (a negative
// errno) so that callers can write `return failure_set(...)`.
int failure_set(struct failure *failure, int status, int error, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

// What went wrong, in Go's words for it: docker's client finds "no such file or directory" and
// "permission denied" in a message, and ends with 127 and 126 then. It stays until the next call.
const char *failure_words(int error);

// failure_set with FAILURE_SETUP and the current errno, whose text is appended to the message.
int failure_errno(struct failure *failure, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
