// SPDX-License-Identifier: MIT
#include "tools/system/login.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/image/json_input.h"
#include "tools/image/tool.h"
#include "tools/system/docker_words.h"
#include "tools/system/incoming.h"
#include "tools/system/registry_access.h"

// Where skopeo is, as the user calls it and as it is reached from here.
struct place {
	const char *host;
	char *location;
	bool is_local;
	const char *scratch;
};

// The end of a pipe that has `text`.
static int text_pipe(const char *text, struct error *err)
{
	size_t length = strlen(text);
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set_errno(err, errno, "cannot hand over the password");
	if (write(ends[1], text, length) != (ssize_t)length) {
		close(ends[0]);
		ends[0] = error_set_errno(err, errno, "cannot hand over the password");
	}
	close(ends[1]);
	return ends[0];
}

static int skopeo_login(const struct place *place, const char *user, const char *password,
                        struct error *err)
{
	char *name_option = NULL;
	struct tool tool;
	int fd = text_pipe(password, err);
	int result = -1;

	if (fd < 0)
		return -1;
	if (asprintf(&name_option, "--username=%s", user) < 0)
		name_option = NULL;
	if (!name_option) {
		error_set(err, "out of memory");
	} else {
		const char *const argv[] = {
			"skopeo",
			"--command-timeout=120s",
			"login",
			place->is_local ? "--tls-verify=false" : "--tls-verify=true",
			name_option,
			"--password-stdin",
			place->location,
			NULL,
		};

		result = tool_start(&tool, argv, fd, -1, -1, place->scratch, err);
		if (result == 0)
			result = tool_finish(&tool, "cannot log in", err);
	}
	close(fd);
	free(name_option);
	return result;
}

static int ask(const struct place *place, const char *user, const char *password, struct error *err)
{
	json_t *none = json_object();
	int result = registry_access_file(none, err);

	// skopeo writes there what the registry has taken.
	if (result == 0)
		result = skopeo_login(place, user, password, err);
	registry_access_forget();
	json_decref(none);
	if (result < 0) {
		docker_login_words(place->is_local ? "http" : "https", place->host, err);
		registry_access_rename(place->location, place->host, err);
	}
	return result;
}

int login(int fd, const char *host, const char *directory, struct error *err)
{
	struct place place = { .host = host };
	json_t *credentials;
	char *scratch = NULL;
	char *name = NULL;
	const char *user;
	const char *password;
	int result = -1;

	if (registry_access_read(fd, &credentials, err) < 0)
		return -1;
	user = json_get_string(credentials, "username");
	password = json_get_string(credentials, "password");
	// As of an image there: a host alone would be an image's name.
	if (asprintf(&name, "%s/login", host) < 0)
		name = NULL;
	place.location = name ? registry_access_location(name, &place.is_local) : NULL;
	if (place.location)
		place.location[strcspn(place.location, "/")] = '\0';
	if (asprintf(&scratch, "%s/" INCOMING_WORK, directory) < 0)
		scratch = NULL;
	place.scratch = scratch;
	// skopeo would ask a terminal for what is missing.
	if (!user || !user[0] || !password || !password[0])
		error_set(err, "the credentials are not a name and a password");
	else if (!place.location || !scratch)
		error_set(err, "out of memory");
	else
		result = ask(&place, user, password, err);
	free(place.location);
	free(scratch);
	free(name);
	json_decref(credentials);
	return result;
}
