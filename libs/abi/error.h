// SPDX-License-Identifier: MIT
//
// Error numbers. A call returns 0 or one of these, never a value: results come through
// out-pointers.
#pragma once

#include <stdint.h>

// 0, or a negative ERR_*.
typedef int32_t error_t;

#define __must_check __attribute__((warn_unused_result))

// X(name, number, text): the groups are arguments 1.., handles 16.., state 32.., resources 48..,
// peers 64..
#define ERROR_TABLE(X)                                     \
	X(ERR_INVALID, 1, "invalid argument")              \
	X(ERR_ADDRESS, 2, "bad address")                   \
	X(ERR_RANGE, 3, "out of range")                    \
	X(ERR_TOO_LARGE, 4, "too large")                   \
	X(ERR_NOT_SUPPORTED, 5, "not supported")           \
	X(ERR_BAD_HANDLE, 16, "no such handle")            \
	X(ERR_WRONG_TYPE, 17, "handle of another type")    \
	X(ERR_ACCESS, 18, "handle lacks the right")        \
	X(ERR_BAD_STATE, 32, "not possible in this state") \
	X(ERR_EXISTS, 33, "exists already")                \
	X(ERR_NOT_FOUND, 34, "not found")                  \
	X(ERR_CYCLE, 35, "would form a cycle")             \
	X(ERR_NOT_EMPTY, 36, "folder is not empty")        \
	X(ERR_IS_FOLDER, 37, "is a folder")                \
	X(ERR_NOT_FOLDER, 38, "is not a folder")           \
	X(ERR_READ_ONLY, 39, "is read-only")               \
	X(ERR_NO_MEMORY, 48, "out of memory")              \
	X(ERR_LIMIT, 49, "limit of the process reached")   \
	X(ERR_FULL, 50, "queue is full")                   \
	X(ERR_EMPTY, 51, "queue is empty")                 \
	X(ERR_NO_SPACE, 52, "no space is left")            \
	X(ERR_PEER_CLOSED, 64, "peer closed")              \
	X(ERR_NOT_READY, 65, "peer not ready yet")         \
	X(ERR_TIMED_OUT, 66, "timed out")                  \
	X(ERR_PROTOCOL, 67, "peer broke the protocol")     \
	X(ERR_IO, 68, "input/output error")                \
	X(ERR_REFUSED, 69, "refused")

#define X(name, number, text) name = -(number),
enum { ERROR_TABLE(X) };
#undef X
