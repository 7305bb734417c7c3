// SPDX-License-Identifier: MIT
//
// The grammar is that of github.com/distribution/reference; what it makes of short names is
// Docker's.
#include "tools/image/source/reference.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/image/digest.h"

#define DEFAULT_HOST "docker.io"
#define DEFAULT_HOST_OLD "index.docker.io"
#define DEFAULT_TAG "latest"
#define MAX_NAME 255
#define MAX_TAG 128

#define DIGITS "0123456789"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// [a-z0-9]+ with single separators between: ".", "_", "__" or any number of "-".
static bool component_is_valid(const char *text, size_t length)
{
	size_t i = 0;

	for (;;) {
		size_t start = i;
		size_t separator;

		while (i < length && strchr(LOWER DIGITS, text[i]))
			i++;
		if (i == start)
			return false;
		if (i == length)
			return true;
		separator = strspn(text + i, "-");
		if (separator == 0)
			separator = strncmp(text + i, "__", 2) == 0
				? 2
				: text[i] == '.' || text[i] == '_';
		if (separator == 0)
			return false;
		i += separator;
	}
}

static bool path_is_valid(const char *path, size_t length)
{
	const char *end = path + length;

	while (path < end) {
		const char *slash = memchr(path, '/', (size_t)(end - path));
		const char *stop = slash ? slash : end;

		if (!component_is_valid(path, (size_t)(stop - path)) || stop + 1 == end)
			return false;
		path = stop + 1;
	}
	return length > 0;
}

// Labels of letters, digits and "-" between them, with dots. Returns the length; 0: it is none.
static size_t labels_length(const char *text, size_t length)
{
	size_t i = 0;

	for (;;) {
		size_t label = 0;

		while (i + label < length && strchr(LOWER UPPER DIGITS "-", text[i + label]))
			label++;
		if (label == 0 || text[i] == '-' || text[i + label - 1] == '-')
			return 0;
		i += label;
		if (i == length || text[i] != '.')
			return i;
		i++;
	}
}

// An IPv6 address in brackets. Returns the length; 0: it is none.
static size_t address_length(const char *text)
{
	size_t digits = strspn(text + 1, DIGITS "abcdefABCDEF:");

	return digits > 0 && text[1 + digits] == ']' ? digits + 2 : 0;
}

// A host name, or an address, and perhaps a port.
static bool host_is_valid(const char *host, size_t length)
{
	size_t name = host[0] == '[' ? address_length(host) : labels_length(host, length);

	if (name == 0 || name > length)
		return false;
	if (name == length)
		return true;
	return host[name] == ':' && name + 1 < length &&
		strspn(host + name + 1, DIGITS) == length - name - 1;
}

static bool tag_is_valid(const char *tag)
{
	size_t length = strlen(tag);

	return length > 0 && length <= MAX_TAG && tag[0] != '.' && tag[0] != '-' &&
		strspn(tag, LOWER UPPER DIGITS "_.-") == length;
}

// Whether the part before the first slash is a host rather than a user.
static bool has_host(const char *name, size_t first)
{
	if (name[first] != '/')
		return false;
	return memchr(name, '.', first) || memchr(name, ':', first) ||
		strcspn(name, UPPER) < first || (first == 9 && strncmp(name, "localhost", 9) == 0);
}

static int parts_check(const char *name, const char *host, size_t host_length, const char *path,
                       size_t path_length, const char *tag, const char *digest, struct error *err)
{
	if (host_length > 0 && !host_is_valid(host, host_length))
		return error_set(err, "\"%.200s\" is not an image name: \"%.*s\" is not a host",
		                 name, (int)host_length, host);
	if (!path_is_valid(path, path_length) || host_length + path_length > MAX_NAME)
		return error_set(
			err,
			"\"%.200s\" is not an image name: it is [HOST[:PORT]/]NAME[:TAG][@DIGEST] with a NAME of lower-case "
			"letters, digits and . _ - / between them",
			name);
	if (tag && !tag_is_valid(tag))
		return error_set(err, "\"%.200s\" is not an image name: \"%.200s\" is not a tag",
		                 name, tag);
	if (digest && !digest_is_valid(digest))
		return error_set(
			err,
			"\"%.200s\" is not an image name: a digest is sha256: and 64 hexadecimal digits, or sha512: and 128, lower case",
			name);
	return 0;
}

char *reference_normalize(const char *name, struct error *err)
{
	char *copy = strdup(name);
	char *digest = copy ? strchr(copy, '@') : NULL;
	char *normalized = NULL;
	const char *host = DEFAULT_HOST;
	size_t host_length = 0;
	char *path = copy;
	char *tag;
	size_t first;

	if (!copy) {
		error_set(err, "out of memory");
		return NULL;
	}
	if (digest)
		*digest++ = '\0';
	first = strcspn(copy, "/");
	if (has_host(copy, first)) {
		host = copy;
		host_length = first;
		path = copy + first + 1;
	}
	tag = strchr(path, ':');
	if (tag)
		*tag++ = '\0';
	if (parts_check(name, host, host_length, path, strlen(path), tag, digest, err) == 0) {
		bool hub = host_length == 0 ||
			(host_length == strlen(DEFAULT_HOST) &&
		         strncmp(host, DEFAULT_HOST, host_length) == 0) ||
			(host_length == strlen(DEFAULT_HOST_OLD) &&
		         strncmp(host, DEFAULT_HOST_OLD, host_length) == 0);

		if (hub)
			host = DEFAULT_HOST;
		if (asprintf(&normalized, "%.*s/%s%s%c%s",
		             (int)(hub ? strlen(DEFAULT_HOST) : host_length), host,
		             hub && !strchr(path, '/') ? "library/" : "", path, digest ? '@' : ':',
		             digest        ? digest
		                     : tag ? tag
		                           : DEFAULT_TAG) < 0) {
			normalized = NULL;
			error_set(err, "out of memory");
		}
	}
	free(copy);
	return normalized;
}
