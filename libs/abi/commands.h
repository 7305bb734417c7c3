// SPDX-License-Identifier: MIT
//
// The service "commands": Linux programs, each in a virtual machine of its own, for apps that do
// not link libs/linux. What a client has started ends with its channel.
//
// commands_run is answered by commands_started, or, when nothing could be started, by
// commands_ended. Each that was started has one commands_ended.
#pragma once

#include "libs/abi/message.h"

// At a time, of all clients.
#define COMMANDS_MAX 16u
// Bytes of the strings of commands_run.
#define COMMANDS_TEXT_MAX (64u * 1024)

// It has a terminal: there is no stderr.
#define COMMANDS_TERMINAL (1u << 0)

// One handle: a folio that begins with `length` bytes: strings, each with a NUL behind it. The
// image ("": the built-in userland; else one of those that run.sh has packed), the working
// directory ("": the image's), the user (likewise), then `num_args` arguments (0: what the image
// runs), then `num_env` words NAME=VALUE.
struct msg_commands_run {
	uint32_t id;  // the client's; of none that it has running
	uint32_t flags;
	uint32_t length;
	uint16_t num_args;
	uint16_t num_env;
	uint16_t rows, columns;  // of the terminal; 0: as Linux has it
	uint32_t reserved;
	uint64_t memory;  // bytes of the virtual machine; 0: COMMAND_MEMORY (libs/linux/runtime.h)
};

// Handles: channels of bytes. Its stdin takes MSG_DATA, and MSG_END or its closing as the end of
// file; stdout, and without a terminal stderr, give MSG_DATA and are closed at their end.
struct msg_commands_started {
	uint32_t id;
};

// Linux's number; 9 ends its virtual machine at once.
struct msg_commands_signal {
	uint32_t id;
	uint32_t signal;
};

struct msg_commands_resize {
	uint32_t id;
	uint16_t rows;
	uint16_t columns;
};

// Its output has been taken. `status` is what a shell would say: 125 when it could not be run, 126
// and 127 when there is no such program. Tail: what went wrong, when the status is not its own.
struct msg_commands_ended {
	uint32_t id;
	int32_t status;
};

#define COMMANDS_MESSAGES(X)                                \
	X(COMMANDS_RUN, commands_run, 180, 1, NONE)         \
	X(COMMANDS_STARTED, commands_started, 181, 3, NONE) \
	X(COMMANDS_SIGNAL, commands_signal, 182, 0, NONE)   \
	X(COMMANDS_RESIZE, commands_resize, 183, 0, NONE)   \
	X(COMMANDS_ENDED, commands_ended, 184, 0, UTF8)

enum { COMMANDS_MESSAGES(MESSAGE_NUMBER) };
COMMANDS_MESSAGES(MESSAGE_DECODER)
COMMANDS_MESSAGES(MESSAGE_ENCODER)
