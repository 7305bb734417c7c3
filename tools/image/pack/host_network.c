// SPDX-License-Identifier: MIT
#include "tools/image/pack/host_network.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/common/log.h"

#define SETTING "STARINA_CA"
#define LOCAL "/usr/local/share/ca-certificates/*.crt"
// A string of a Linux program's environment has 128 KiB at most.
#define MAX_CERTIFICATES 98304

static void variable_add(json_t *environment, const char *name, const char *small)
{
	const char *value = getenv(name);

	if (!value || !value[0])
		value = getenv(small);
	if (value && value[0])
		json_array_append_new(environment, json_sprintf("%s=%s", name, value));
}

static int file_append(FILE *out, const char *path, struct error *err)
{
	FILE *file = fopen(path, "re");
	char block[4096];
	size_t length;
	int result = 0;

	if (!file)
		return error_set_errno(err, errno, "cannot read the certificates in %s", path);
	while (ftell(out) <= MAX_CERTIFICATES && (length = fread(block, 1, sizeof(block), file)))
		fwrite(block, 1, length, out);
	fputc('\n', out);
	if (ferror(file))
		result = error_set_errno(err, errno, "cannot read the certificates in %s", path);
	else if (ftell(out) > MAX_CERTIFICATES)
		result = error_set(err,
		                   "the certificates in %s, with those before it, are more than %u "
		                   "bytes; name a file with those that registries need: " SETTING,
		                   path, MAX_CERTIFICATES);
	fclose(file);
	return result;
}

// 1: those of the host are too many, and none counts.
static int certificates_read(FILE *out, struct error *err)
{
	const char *path = getenv(SETTING);
	glob_t found = { 0 };
	int result = 0;

	if (path && path[0])
		return file_append(out, path, err);
	if (path || glob(LOCAL, 0, NULL, &found) != 0)
		return 0;
	// Nobody has asked for these: too many of them are no reason not to start.
	for (size_t i = 0; i < found.gl_pathc && result == 0; i++)
		result = file_append(out, found.gl_pathv[i], err);
	if (result < 0)
		log_warn("%s", err->text);
	globfree(&found);
	return result < 0 ? 1 : 0;
}

int host_network_add(json_t *environment, struct error *err)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int result = out ? certificates_read(out, err) : error_set(err, "out of memory");
	json_t *value;

	if (out && fclose(out) != 0 && result == 0)
		result = error_set(err, "out of memory");
	if (result == 0 && size > 0) {
		value = json_sprintf(HOST_NETWORK_CA "=%s", text);
		if (value)
			json_array_append_new(environment, value);
		else
			result = error_set(err,
			                   "the host's own certificates (" SETTING ") are no text");
	}
	free(text);
	variable_add(environment, "HTTP_PROXY", "http_proxy");
	variable_add(environment, "HTTPS_PROXY", "https_proxy");
	variable_add(environment, "NO_PROXY", "no_proxy");
	return result < 0 ? -1 : 0;
}
