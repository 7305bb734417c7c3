// SPDX-License-Identifier: MIT
#include "tools/system/line_input.h"

#include <errno.h>
#include <unistd.h>

long line_input(int fd, char *text, size_t size)
{
	size_t length = 0;

	// One at a time: what follows is another reader's.
	for (;;) {
		char c;
		ssize_t got = read(fd, &c, 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0 || c == '\n')
			break;
		if (length + 1 == size) {
			errno = EMSGSIZE;
			return -1;
		}
		text[length++] = c;
	}
	text[length] = '\0';
	return (long)length;
}
