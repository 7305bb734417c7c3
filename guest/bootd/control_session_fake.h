// SPDX-License-Identifier: MIT
#pragma once

#include <stdlib.h>

#include "guest/bootd/control_session.h"

struct fake_guest {
	const struct process *process;  // the session's
	int control_end;                // what opening the control port gives
	uint8_t failures;               // a bit for each thing that fails
	bool has_image;
	bool has_layers;
};
extern struct fake_guest fake_guest;

static inline void check(bool condition)
{
	if (!condition)
		abort();
}
