// SPDX-License-Identifier: MIT
#include "tools/system/registry_access.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "tools/image/json_input.h"
#include "tools/image/source/registry.h"
#include "tools/system/line_input.h"

#define TOKEN_USER "<token>"
#define BASE64_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

static char *auth_file;    // NULL: there is none
static char *basic_login;  // NULL: there is none, or it is a token

static char *base64(const char *text)
{
	static const char digits[] = BASE64_DIGITS;
	size_t length = strlen(text);
	char *out = calloc(1, (length + 2) / 3 * 4 + 1);
	char *end = out;

	for (size_t i = 0; out && i < length; i += 3) {
		uint32_t bits = 0;

		for (size_t k = 0; k < 3; k++)
			bits = bits << 8 | (i + k < length ? (unsigned char)text[i + k] : 0);
		for (unsigned k = 0; k < 4; k++)
			*end++ = i + k > length ? '=' : digits[bits >> (18 - 6 * k) & 63];
	}
	return out;
}

// As dockerd takes them, in any case.
static const char *member(const json_t *credentials, const char *name)
{
	const char *found = NULL;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)credentials, key, value) if (strcasecmp(key, name) == 0)
		found = json_get_string(credentials, key);
	return found;
}

// What containers-auth.json(5) has for one registry; NULL: there are no credentials.
static json_t *entry_make(const json_t *credentials)
{
	const char *user = member(credentials, "username");
	const char *password = member(credentials, "password");
	const char *token = member(credentials, "identitytoken");
	const char *encoded = member(credentials, "auth");
	char *pair = NULL;
	char *auth = NULL;
	json_t *entry = NULL;

	if (token && token[0])
		password = "";
	// skopeo takes a token only beside a name, as docker writes it.
	if ((!user || !user[0]) && token && token[0])
		user = TOKEN_USER;
	if ((!user || !user[0]) && encoded && encoded[0])
		return json_pack("{s:s}", "auth", encoded);
	if (!user || !user[0] || asprintf(&pair, "%s:%s", user, password ? password : "") < 0)
		return NULL;
	auth = base64(pair);
	if (auth)
		entry = json_pack("{s:s, s:s*}", "auth", auth, "identitytoken", token);
	free(auth);
	free(pair);
	return entry;
}

int registry_access_file(const json_t *document, struct error *err)
{
	const char *folder = getenv("TMPDIR");
	char *path;
	int result = 0;
	int fd;

	if (!document ||
	    asprintf(&path, "%s/auth.XXXXXX", folder && folder[0] ? folder : "/tmp") < 0)
		return error_set(err, "out of memory");
	fd = mkstemp(path);
	if (fd < 0) {
		free(path);
		return error_set_errno(err, errno, "cannot keep the credentials");
	}
	auth_file = path;
	if (json_dumpfd(document, fd, 0) < 0)
		result = error_set_errno(err, errno, "cannot keep the credentials");
	close(fd);
	setenv("REGISTRY_AUTH_FILE", auth_file, 1);
	return result;
}

static int auth_write(const char *location, json_t *entry, struct error *err)
{
	char *host = strndup(location, strcspn(location, "/"));
	json_t *document = host ? json_pack("{s:{s:O}}", "auths", host, entry) : NULL;
	int result = registry_access_file(document, err);

	json_decref(document);
	free(host);
	return result;
}

static void login_keep(const json_t *entry)
{
	const char *auth = json_get_string(entry, "auth");

	if (auth && !json_get_string(entry, "identitytoken") &&
	    auth[strspn(auth, BASE64_DIGITS "=")] == '\0' &&
	    asprintf(&basic_login, "Basic %s", auth) < 0)
		basic_login = NULL;
}

int registry_access_read(int fd, json_t **credentials, struct error *err)
{
	static char text[REGISTRY_ACCESS_MAX];
	long length = line_input(fd, text, sizeof(text));

	*credentials = NULL;
	if (length == 0)
		return 0;
	if (length < 0 && errno == EMSGSIZE)
		return error_set(err, "the credentials are longer than %u bytes",
		                 REGISTRY_ACCESS_MAX - 1);
	if (length < 0)
		return error_set_errno(err, errno, "the credentials cannot be read");
	*credentials = json_parse(text, (size_t)length, "the credentials", err);
	return *credentials ? 0 : -1;
}

int registry_access_credentials(int fd, const char *location, struct error *err)
{
	json_t *credentials;
	json_t *entry;
	int result = registry_access_read(fd, &credentials, err);

	if (result < 0)
		return -1;
	entry = entry_make(credentials);
	if (entry)
		result = auth_write(location, entry, err);
	login_keep(entry);
	json_decref(entry);
	json_decref(credentials);
	return result;
}

bool registry_access_login(const char **login)
{
	*login = basic_login;
	return basic_login || !auth_file;
}

void registry_access_forget(void)
{
	if (auth_file)
		unlink(auth_file);
	free(auth_file);
	free(basic_login);
	auth_file = NULL;
	basic_login = NULL;
}

// The gateway of the default route. (proc(5), /proc/net/route)
bool registry_access_gateway(char text[static INET_ADDRSTRLEN])
{
	// A machine without one, such as a test's, is the user's own.
	FILE *file = getenv("SYSTEM_INCOMING") ? NULL : fopen("/proc/net/route", "re");
	char line[256];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file)) {
		unsigned destination, gateway;

		if (sscanf(line, "%*31s %8x %8x", &destination, &gateway) == 2 &&
		    destination == 0 && gateway != 0) {
			struct in_addr address = { .s_addr = gateway };

			found = inet_ntop(AF_INET, &address, text, INET_ADDRSTRLEN) != NULL;
		}
	}
	if (file)
		fclose(file);
	return found;
}

char *registry_access_location(const char *location, bool *is_local)
{
	const char *rest = location + strcspn(location, "/");
	const char *port = memchr(location, ']', (size_t)(rest - location));
	char gateway[INET_ADDRSTRLEN];
	char *out;

	*is_local = registry_is_local(location);
	if (!*is_local || !registry_access_gateway(gateway))
		return strdup(location);
	port = strchr(port ? port : location, ':');
	return asprintf(&out, "%s%s", gateway, port && port < rest ? port : rest) < 0 ? NULL : out;
}

void registry_access_rename(const char *location, const char *name, struct error *err)
{
	size_t length = strcspn(location, "/");
	char *host = strndup(location, length);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	const char *rest = err->text;
	const char *found;

	while (out && host && (found = strstr(rest, host))) {
		fprintf(out, "%.*s%.*s", (int)(found - rest), rest, (int)strcspn(name, "/"), name);
		rest = found + length;
	}
	if (out)
		fputs(rest, out);
	if (out && fclose(out) == 0)
		error_set(err, "%s", text);
	free(text);
	free(host);
}
