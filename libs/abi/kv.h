// SPDX-License-Identifier: MIT
//
// The service "kv": values by their keys, for as long as its provider runs. It is the example of a
// protocol of one's own (docs/typescript.md): ts/examples/kv_ts provides it, and apps/kv_client
// uses it.
#pragma once

#include "libs/abi/message.h"

#define KV_KEY_MAX 32

struct msg_kv_get {
	uint32_t id;
	char key[KV_KEY_MAX];  // 1 to 31 bytes of UTF-8
};

struct msg_kv_put {
	uint32_t id;
	char key[KV_KEY_MAX];
	// tail: the value
};

struct msg_kv_remove {
	uint32_t id;
	char key[KV_KEY_MAX];
};

// The answer to each of them.
struct msg_kv_answer {
	uint32_t id;
	int32_t error;  // ERR_NOT_FOUND (get, remove), ERR_LIMIT (put: there are too many keys)
			// tail: the value (get)
};

#define KV_MESSAGES(X)                        \
	X(KV_GET, kv_get, 192, 0, NONE)       \
	X(KV_PUT, kv_put, 193, 0, BYTES)      \
	X(KV_REMOVE, kv_remove, 194, 0, NONE) \
	X(KV_ANSWER, kv_answer, 195, 0, BYTES)

enum { KV_MESSAGES(MESSAGE_NUMBER) };
KV_MESSAGES(MESSAGE_DECODER)
KV_MESSAGES(MESSAGE_ENCODER)
