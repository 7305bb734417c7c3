// SPDX-License-Identifier: MIT
// The echo service: sends back what it gets.
#pragma once

#include "libs/abi/message.h"

struct msg_echo {
	uint64_t id;
	// tail: any bytes; handles: any. Both come back.
};

#define ECHO_MESSAGES(X) X(ECHO, echo, 16, MESSAGE_MAX_HANDLES, BYTES)

enum { ECHO_MESSAGES(MESSAGE_NUMBER) };
ECHO_MESSAGES(MESSAGE_DECODER)
ECHO_MESSAGES(MESSAGE_ENCODER)
