// SPDX-License-Identifier: MIT
#include "tools/system/download.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "tools/system/docker_words.h"
#include "tools/system/network.h"

#define PATIENCE "--timeout=120"  // seconds
#define REDIRECTS "--max-redirect=10"
// What it says when nobody reads on, and not of what an address or a server has in its words.
#define UNREAD "wget: Cannot write to "

bool download_is_possible(const char *url)
{
	return (strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0) &&
		strlen(url) <= DOWNLOAD_MAX_URL;
}

static int start(struct download *download, const char *address, bool is_local, const char *scratch,
                 struct error *err)
{
	const char *authorities = network_authorities();
	const char *argv[13] = {
		"wget",    "--no-config", "--no-hsts", "--no-verbose", "--tries=1", PATIENCE,
		REDIRECTS, "-O",          "-",
	};
	unsigned count = 9;
	int ends[2];
	int result;

	if (is_local)
		argv[count++] = "--no-proxy";
	if (authorities)
		argv[count++] = authorities;
	argv[count] = address;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set_errno(err, errno, "cannot make a pipe");
	result = tool_start(&download->tool, argv, -1, ends[1], -1, scratch, err);
	close(ends[1]);
	if (result < 0)
		close(ends[0]);
	download->fd = result < 0 ? -1 : ends[0];
	return result;
}

int download_begin(struct download *download, const char *url, const char *scratch,
                   struct error *err)
{
	bool is_local;
	char *address = network_address(url, &is_local);
	int result;

	download->url = url;
	if (!address)
		return error_set(err, "out of memory");
	result = start(download, address, is_local, scratch, err);
	free(address);
	return result;
}

int download_end(struct download *download, struct error *err)
{
	struct error reason;

	close(download->fd);
	download->fd = -1;
	if (tool_finish(&download->tool, "wget", &reason) == 0 ||
	    strncmp(reason.text, UNREAD, strlen(UNREAD)) == 0)
		return 0;
	docker_download_words(download->url, &reason);
	*err = reason;
	return -1;
}
