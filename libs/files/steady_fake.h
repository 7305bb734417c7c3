// SPDX-License-Identifier: MIT
//
// steady.c for fuzzers of apps that end and begin again: what an app has in static memory would
// outlive it. Included once, in place of steady.c.
#pragma once

#define steady_try steady_try_real
#define steady_ask steady_ask_real
#include "libs/files/steady.c"
#undef steady_try
#undef steady_ask

static struct steady_folder *steady_fakes[2];

static void steady_fake_note(struct steady_folder *steady)
{
	for (size_t i = 0; i < 2; i++) {
		if (steady_fakes[i] == NULL)
			steady_fakes[i] = steady;
		if (steady_fakes[i] == steady)
			return;
	}
	__builtin_trap();
}

// As steady.h has it.
bool steady_try(struct steady_folder *steady, handle_t connector, const char *uri, unsigned *tries,
                error_t *err)
{
	steady_fake_note(steady);
	return steady_try_real(steady, connector, uri, tries, err);
}

// As steady.h has it.
error_t steady_ask(struct steady_folder *steady, handle_t connector, const char *uri,
                   steady_fn *what, void *context)
{
	steady_fake_note(steady);
	return steady_ask_real(steady, connector, uri, what, context);
}

// The app has ended, and with it what it had of the folders.
static inline void steady_fake_end(void)
{
	for (size_t i = 0; i < 2; i++)
		if (steady_fakes[i] != NULL)
			steady_fakes[i]->folder = NULL;
}
