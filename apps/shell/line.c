// SPDX-License-Identifier: MIT
#include "apps/shell/line.h"

#include "libs/base/string.h"

enum { CTRL_C = 3, BACKSPACE = 8, CTRL_U = 21, CTRL_W = 23, ESCAPE = 27, DELETE = 127 };

static void echo_add(char *echo, const char *text)
{
	size_t len = strlen(echo);

	str_copy(echo + len, text, LINE_ECHO_MAX - len);
}

static void erase(struct line *line, size_t count, char *echo)
{
	for (; count > 0 && line->len > 0; count--) {
		line->text[--line->len] = '\0';
		echo_add(echo, "\b \b");
	}
}

// The last word, and what is behind it.
static size_t last_word(const struct line *line)
{
	size_t at = line->len;

	while (at > 0 && line->text[at - 1] == ' ')
		at--;
	while (at > 0 && line->text[at - 1] != ' ')
		at--;
	return line->len - at;
}

static void recall(struct line *line, size_t back, char *echo)
{
	if (back > line->num_history)
		return;
	line->back = back;
	erase(line, line->len, echo);
	str_copy(line->text, back == 0 ? "" : line->history[back - 1], LINE_SIZE);
	line->len = strlen(line->text);
	echo_add(echo, line->text);
}

// The last byte of what an arrow sends: ESC [ A is up, ESC [ B down.
static void control_take(struct line *line, uint8_t byte, char *echo)
{
	if (byte < 0x40)
		return;  // a parameter
	line->state = LINE_PLAIN;
	if (byte == 'A')
		recall(line, line->back + 1, echo);
	else if (byte == 'B' && line->back > 0)
		recall(line, line->back - 1, echo);
}

static enum line_event plain_take(struct line *line, uint8_t byte, char *echo)
{
	switch (byte) {
	case '\r':
	case '\n': echo_add(echo, "\n"); return LINE_WHOLE;
	case CTRL_C: echo_add(echo, "^C\n"); return LINE_CANCELLED;
	case BACKSPACE:
	case DELETE: erase(line, 1, echo); return LINE_NONE;
	case CTRL_U: recall(line, 0, echo); return LINE_NONE;
	case CTRL_W: erase(line, last_word(line), echo); return LINE_NONE;
	case ESCAPE: line->state = LINE_ESCAPE; return LINE_NONE;
	default: break;
	}
	if (byte < 0x20 || byte > 0x7e || line->len == LINE_SIZE - 1)
		return LINE_NONE;
	line->text[line->len++] = (char)byte;
	line->text[line->len] = '\0';
	echo_add(echo, line->text + line->len - 1);
	return LINE_NONE;
}

enum line_event line_take(struct line *line, uint8_t byte, char echo[LINE_ECHO_MAX])
{
	bool repeats = line->after_return && byte == '\n';

	echo[0] = '\0';
	line->after_return = byte == '\r';
	if (repeats)
		return LINE_NONE;
	if (line->state == LINE_ESCAPE) {
		line->state = byte == '[' || byte == 'O' ? LINE_CONTROL : LINE_PLAIN;
		return LINE_NONE;
	}
	if (line->state == LINE_CONTROL) {
		control_take(line, byte, echo);
		return LINE_NONE;
	}
	return plain_take(line, byte, echo);
}

void line_next(struct line *line)
{
	bool is_new = line->num_history == 0 || strcmp(line->history[0], line->text) != 0;

	if (line->len > 0 && is_new) {
		memmove(line->history[1], line->history[0],
		        sizeof(line->history) - sizeof(line->history[0]));
		memcpy(line->history[0], line->text, LINE_SIZE);
		if (line->num_history < LINE_HISTORY)
			line->num_history++;
	}
	line->text[0] = '\0';
	line->len = line->back = 0;
	line->state = LINE_PLAIN;
}
