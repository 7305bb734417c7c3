// SPDX-License-Identifier: MIT
#include "tools/run/web/web.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

// RFC 4648 5, without padding.
static void token_write(char text[WEB_TOKEN_TEXT_SIZE], const uint8_t token[WEB_TOKEN_SIZE])
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned length = 0;

	for (unsigned bit = 0; bit < 8 * WEB_TOKEN_SIZE; bit += 6) {
		unsigned next = bit / 8 + 1 < WEB_TOKEN_SIZE ? token[bit / 8 + 1] : 0;
		unsigned two = (unsigned)token[bit / 8] << 8 | next;

		text[length++] = digits[two >> (10 - bit % 8) & 63];
	}
	text[length] = '\0';
}

static int address_path(char path[PATH_MAX], const char *folder, struct error *err)
{
	int length = snprintf(path, PATH_MAX, "%s/web.addr", folder);

	if (length >= PATH_MAX)
		return error_set(err, "the path %.80s... is too long", folder);
	return 0;
}

// A file that was there may be readable by others: it is replaced.
static int address_write(const char *path, const char *url, struct error *err)
{
	char text[160];
	int length = snprintf(text, sizeof(text), "%s\n", url);
	int fd;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_set_errno(err, errno, "cannot write %s", path);
	if (write(fd, text, (size_t)length) != length) {
		error_set_errno(err, errno, "cannot write %s", path);
		close(fd);
		return -1;
	}
	close(fd);
	return 0;
}

int web_open(struct web *web, const char *folder, const char *workdir, unsigned port,
             struct error *err)
{
	char text[WEB_TOKEN_TEXT_SIZE];
	char path[PATH_MAX];

	if (getrandom(web->token, sizeof(web->token), 0) != (ssize_t)sizeof(web->token))
		return error_set_errno(err, errno, "cannot make a token for the web shell");
	token_write(text, web->token);
	snprintf(web->url, sizeof(web->url), "http://127.0.0.1:%u/#token=%s", port, text);
	explicit_bzero(text, sizeof(text));
	if (address_path(path, workdir, err) < 0 || address_write(path, web->url, err) < 0 ||
	    address_path(web->path, folder, err) < 0 || address_write(web->path, web->url, err) < 0)
		return -1;
	return 0;
}

void web_close(struct web *web)
{
	char text[160] = "";
	FILE *file = web->path[0] && web->url[0] ? fopen(web->path, "re") : NULL;

	if (file) {
		if (fgets(text, sizeof(text), file)) {
			text[strcspn(text, "\n")] = '\0';
			if (strcmp(text, web->url) == 0)
				unlink(web->path);
		}
		fclose(file);
	}
	explicit_bzero(text, sizeof(text));
	explicit_bzero(web, sizeof(*web));
}
