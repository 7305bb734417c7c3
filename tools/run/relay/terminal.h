// SPDX-License-Identifier: MIT
//
// The terminal that run.sh was started from.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

struct terminal {
	bool changed;  // terminal_restore() has something to do
	bool raw;
	bool escape;  // the escape's first key was pressed: it waits for what comes next
	struct termios saved;
};

// Whether stdin is a terminal that we may read and change: we are in its foreground.
bool terminal_is_ours(void);

// The size of the terminal on stdin or, if that is none, stdout. Returns false when it is not
// known.
bool terminal_size(unsigned *rows, unsigned *columns);

// Keys come at once and are not shown; Ctrl-C stays a signal.
void terminal_set_keys(struct terminal *terminal);

// Keys come as they are, Ctrl-C too, and output goes as it is: the container's terminal does all
// that one does. May be called again after the program was stopped.
void terminal_set_raw(struct terminal *terminal);

// As it was before. Harmless when nothing was changed.
void terminal_restore(struct terminal *terminal);

// Copies keys to `out`, which has room for size + 1 bytes, but for the escape, Ctrl-P Ctrl-Q, which
// adds to `*escapes`. Returns the length. A Ctrl-P waits for the next key.
size_t terminal_filter(struct terminal *terminal, const char *keys, size_t size, char *out,
                       unsigned *escapes);
