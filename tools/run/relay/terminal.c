// SPDX-License-Identifier: MIT
#include "tools/run/relay/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#define CTRL_P 16
#define CTRL_Q 17

bool terminal_is_ours(void)
{
	return isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) == getpgrp();
}

bool terminal_size(unsigned *rows, unsigned *columns)
{
	struct winsize size;

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0 &&
	    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		return false;
	*rows = size.ws_row;
	*columns = size.ws_col;
	return true;
}

static bool save(struct terminal *terminal)
{
	if (!terminal->changed && tcgetattr(STDIN_FILENO, &terminal->saved) == 0)
		terminal->changed = true;
	return terminal->changed;
}

void terminal_set_keys(struct terminal *terminal)
{
	struct termios mode;

	if (!save(terminal))
		return;
	mode = terminal->saved;
	mode.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	mode.c_cc[VMIN] = 1;
	mode.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &mode);
}

void terminal_set_raw(struct terminal *terminal)
{
	struct termios mode;

	if (!save(terminal))
		return;
	mode = terminal->saved;
	cfmakeraw(&mode);
	mode.c_cc[VMIN] = 1;
	mode.c_cc[VTIME] = 0;
	terminal->raw = tcsetattr(STDIN_FILENO, TCSANOW, &mode) == 0;
}

void terminal_restore(struct terminal *terminal)
{
	// In the background it is another job's, and our shell has seen to its modes.
	if (terminal->changed && terminal_is_ours())
		tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal->saved);
	terminal->changed = terminal->raw = false;
}

size_t terminal_filter(struct terminal *terminal, const char *keys, size_t size, char *out,
                       unsigned *escapes)
{
	size_t length = 0;

	for (size_t i = 0; i < size; i++) {
		bool second = terminal->escape;

		terminal->escape = keys[i] == CTRL_P;
		if (second && keys[i] == CTRL_Q) {
			(*escapes)++;
			continue;
		}
		if (second)
			out[length++] = CTRL_P;
		if (!terminal->escape)
			out[length++] = keys[i];
	}
	return length;
}
