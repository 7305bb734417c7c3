// SPDX-License-Identifier: MIT
#include "apps/images/reference.h"

#include "apps/images/record.h"
#include "libs/base/string.h"

#define HUB "docker.io/"
#define HUB_LIBRARY "docker.io/library/"
#define MAX_TAG 128u

static const char invalid[] = "invalid reference format";
static const char upper[] = "invalid reference format: repository name must be lowercase";

static bool is_lower(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

bool reference_has_digest(const char *name)
{
	return strchr(name, '@') != NULL;
}

size_t reference_repository(const char *name)
{
	const char *at = strchr(name, '@'), *colon = NULL;

	if (at != NULL)
		return (size_t)(at - name);
	// A registry's port stands before a slash.
	for (const char *p = name; *p != '\0'; p++)
		colon = *p == ':' ? p : *p == '/' ? NULL : colon;
	return colon != NULL ? (size_t)(colon - name) : strlen(name);
}

const char *reference_familiar(const char *name)
{
	if (strncmp(name, HUB_LIBRARY, sizeof(HUB_LIBRARY) - 1) == 0)
		return name + sizeof(HUB_LIBRARY) - 1;
	if (strncmp(name, HUB, sizeof(HUB) - 1) == 0)
		return name + sizeof(HUB) - 1;
	return name;
}

// The length of an IPv6 address in brackets; 0: it is none.
static size_t address_length(const char *text, size_t len)
{
	size_t i = 1;

	if (len == 0 || text[0] != '[')
		return 0;
	while (i < len &&
	       (text[i] == ':' || (text[i] >= '0' && text[i] <= '9') ||
	        (text[i] >= 'a' && text[i] <= 'f') || (text[i] >= 'A' && text[i] <= 'F')))
		i++;
	return i > 1 && i < len && text[i] == ']' ? i + 1 : 0;
}

// Labels of letters, digits and "-" between them, with dots, or an address; and a port.
static bool is_host(const char *text, size_t len)
{
	size_t start = address_length(text, len);
	bool in_label = start > 0, in_port = false;

	if (start > 0 && start < len && text[start] != ':')
		return false;
	for (size_t i = start; i < len; i++) {
		char c = text[i];

		if (in_port ? c >= '0' && c <= '9' : is_lower(c) || is_upper(c)) {
			in_label = true;
			continue;
		}
		if (in_port || (c != '-' && c != '.' && c != ':') ||
		    (!in_label && !(c == '-' && i > 0 && text[i - 1] == '-')))
			return false;
		in_port = c == ':';
		in_label = false;
	}
	return in_label;
}

// Parts of small letters and digits, with one ".", one or two "_", or any "-" between them.
static bool is_path(const char *text, size_t len)
{
	bool after_name = false;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (is_lower(c)) {
			after_name = true;
			continue;
		}
		if (!after_name && !(c == '-' && i > 0 && text[i - 1] == '-') &&
		    !(c == '_' && i > 1 && text[i - 1] == '_' && text[i - 2] != '_'))
			return false;
		if (c != '/' && c != '.' && c != '_' && c != '-')
			return false;
		after_name = false;
	}
	return len > 0 && after_name;
}

static bool is_tag(const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (!is_lower(text[i]) && !is_upper(text[i]) && text[i] != '_' &&
		    (i == 0 || (text[i] != '.' && text[i] != '-')))
			return false;
	return len > 0 && len <= MAX_TAG;
}

// Checks the full form of a name without a digest; an error's words in `*text`.
static bool is_good(const char *full, const char **text)
{
	size_t repository = reference_repository(full);
	size_t host = (size_t)(strchr(full, '/') - full);

	for (size_t i = host; i < repository; i++)
		if (is_upper(full[i]))
			*text = upper;
	return is_host(full, host) && is_path(full + host + 1, repository - host - 1) &&
		is_tag(full + repository + 1);
}

error_t reference_parse(const char *name, char out[static IMAGE_NAME_MAX], const char **text)
{
	const char *digest = strchr(name, '@');
	size_t len = digest != NULL ? (size_t)(digest - name) : strlen(name);
	char bare[IMAGE_NAME_MAX];

	*text = invalid;
	if (len >= sizeof(bare) || (digest != NULL && !record_is_digest(digest + 1)))
		return ERR_INVALID;
	memcpy(bare, name, len);
	bare[len] = '\0';
	// A tag is none, whatever digest follows.
	if (image_name_normalise(bare, out) < 0 || !is_good(out, text))
		return ERR_INVALID;
	return digest != NULL ? image_name_normalise(name, out) : 0;
}
