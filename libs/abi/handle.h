// SPDX-License-Identifier: MIT
//
// Handles: what an app holds to name an object, and what it may do through it.
#pragma once

#include <stdint.h>

// Names an object in the caller's handle table. Positive; HANDLE_NONE names nothing.
typedef int32_t handle_t;
#define HANDLE_NONE 0

typedef uint32_t rights_t;
#define RIGHT_READ (1u << 0)       // receive, take, map readable
#define RIGHT_WRITE (1u << 1)      // send, signal, set, map writable
#define RIGHT_POLL (1u << 2)       // be added to a poll
#define RIGHT_MAP (1u << 3)        // map a folio
#define RIGHT_TRANSFER (1u << 4)   // travel in a message
#define RIGHT_DUPLICATE (1u << 5)  // be duplicated
#define RIGHT_CONTROL (1u << 6)    // run, kill, configure
#define RIGHTS_ALL 0x7fu
// In handle_duplicate: the same rights as the original's.
#define RIGHTS_SAME 0x80000000u

enum object_type {
	OBJECT_NONE = 0,
	OBJECT_CHANNEL,
	OBJECT_POLL,
	OBJECT_TIMER,
	OBJECT_EVENT,
	OBJECT_INTERRUPT,
	OBJECT_FOLIO,
	OBJECT_PROCESS,
	OBJECT_THREAD,
	OBJECT_SERVICE,
	OBJECT_CONNECTOR,
	OBJECT_HVSPACE,
	OBJECT_VCPU,
	OBJECT_SYSTEM,
	OBJECT_LAUNCHER,
	OBJECT_LOOK,
};
