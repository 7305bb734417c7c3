// SPDX-License-Identifier: MIT
#include "tools/system/docker_words.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_HOST "docker.io/"
#define DEFAULT_PATH "library/"

// The name as users write it.
static const char *familiar(const char *name)
{
	if (strncmp(name, DEFAULT_HOST, strlen(DEFAULT_HOST)) == 0)
		name += strlen(DEFAULT_HOST);
	if (strncmp(name, DEFAULT_PATH, strlen(DEFAULT_PATH)) == 0)
		name += strlen(DEFAULT_PATH);
	return name;
}

// The length of the name without tag and digest.
static int bare_length(const char *name)
{
	const char *slash = strrchr(name, '/');
	size_t length = strcspn(name, "@");
	const char *colon = strchr(slash ? slash : name, ':');

	if (colon && (size_t)(colon - name) < length)
		length = (size_t)(colon - name);
	return (int)length;
}

static bool says_any(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (strcasestr(text, *words))
			return true;
	return false;
}

// Of an error of the network, without what skopeo has before it.
static void keep_request(struct error *err)
{
	const char *request = strstr(err->text, ": Get \"");
	char *text = request ? strdup(request + 2) : NULL;

	if (text)
		error_set(err, "%s", text);
	free(text);
}

void docker_login_words(const char *scheme, const char *host, struct error *err)
{
	static const char *const denied[] = { "unauthorized", "invalid username/password", NULL };

	if (says_any(err->text, denied))
		error_set(err, "login attempt to %s://%s/v2/ failed with status: 401 Unauthorized",
		          scheme, host);
	else
		keep_request(err);
}

void docker_words(const char *name, struct error *err)
{
	static const char *const denied[] = { "unauthorized",
		                              "authentication required",
		                              "access to the resource is denied",
		                              "no basic auth credentials",
		                              "invalid username/password",
		                              NULL };
	const char *user_name = familiar(name);

	if (says_any(err->text, denied)) {
		error_set(err,
		          "pull access denied for %.*s, repository does not exist or may require "
		          "'docker login': denied: requested access to the resource is denied",
		          bare_length(user_name), user_name);
	} else if (strcasestr(err->text, "manifest unknown")) {
		error_set(err, "manifest for %s not found: manifest unknown: manifest unknown",
		          user_name);
	} else if (strcasestr(err->text, "name unknown")) {
		error_set(err,
		          "repository %.*s not found: name unknown: repository name not known to "
		          "registry",
		          bare_length(user_name), user_name);
	} else if (strstr(err->text, "has no image for linux/riscv64")) {
		error_prefix(err,
		             "no matching manifest for linux/riscv64 in the manifest list entries: "
		             "no match for platform in manifest");
	} else {
		keep_request(err);
	}
}

void docker_download_words(const char *url, struct error *err)
{
	const char *status = strstr(err->text, " ERROR ");
	const char *what = strncmp(err->text, "wget: ", 6) == 0 ? err->text + 6 : err->text;
	char *text;
	int code, length = 0;

	// "2026-11-30 09:41:28 ERROR 404: Not Found."
	if (status && sscanf(status, " ERROR %d: %n", &code, &length) == 1 && length > 0) {
		text = strdup(status + length);
		if (text)
			error_set(err, "failed to GET %s with status %d %.*s", url, code,
			          (int)strcspn(text, ".\r\n"), text);
	} else if (strstr(what, "ended with status 4")) {
		// Of a network failure that it says nothing of.
		text = NULL;
		error_set(err, "Get \"%s\": unexpected EOF", url);
	} else {
		text = strdup(what);
		if (text)
			error_set(err, "Get \"%s\": %s", url, text);
	}
	free(text);
}
