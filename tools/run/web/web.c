// SPDX-License-Identifier: MIT
#include "tools/run/web/web.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "tools/common/address_file.h"

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
	if (address_path(path, workdir, err) < 0 || address_file_write(path, web->url, err) < 0 ||
	    address_path(web->path, folder, err) < 0 ||
	    address_file_write(web->path, web->url, err) < 0)
		return -1;
	return 0;
}

void web_close(struct web *web)
{
	if (web->path[0])
		address_file_remove(web->path, web->url);
	explicit_bzero(web, sizeof(*web));
}
