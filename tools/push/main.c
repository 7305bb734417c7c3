// SPDX-License-Identifier: MIT
//
// starina-push BUILD FILE: replaces an app in the system that runs, which is the newest that was
// started with this build directory. `make push APP=NAME` builds the app first. With --check in
// place of BUILD it only says whether files are apps.
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/push/app_bytes.h"
#include "tools/common/log.h"

#define ANSWER_S 60
#define ANSWER_MAX 1024

// The socket of the system that runs.
static int address_read(const char *build, char path[PATH_MAX], struct error *err)
{
	char name[PATH_MAX];
	FILE *file;

	snprintf(name, sizeof(name), "%s/run/apps.addr", build);
	file = fopen(name, "re");
	if (!file || !fgets(path, PATH_MAX, file))
		path[0] = '\0';
	if (file)
		fclose(file);
	path[strcspn(path, "\n")] = '\0';
	if (!path[0])
		return error_set(err,
		                 "no Starina runs here (%s is not there); in another terminal, "
		                 "run: ./run.sh",
		                 name);
	return 0;
}

static int socket_connect(const char *path, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = ANSWER_S };
	char folder[PATH_MAX];
	int directory;
	int fd;

	snprintf(folder, sizeof(folder), "%s", path);
	directory = open(dirname(folder), O_PATH | O_DIRECTORY | O_CLOEXEC);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	// Of connecting, too: others may be before us.
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	// By the folder's descriptor: a path of any length is short then.
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%.32s", directory,
	         strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
	if (directory < 0 || fd < 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		if (fd >= 0)
			close(fd);
		fd = error_set(err,
		               "the Starina that ran here is gone; in another terminal, run: "
		               "./run.sh");
	}
	if (directory >= 0)
		close(directory);
	return fd;
}

// What the system has to say if it does not want more.
static int all_send(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);

		if (sent <= 0)
			return -1;
		bytes += sent;
		size -= (size_t)sent;
	}
	return 0;
}

static int answer_read(int fd, char answer[ANSWER_MAX], struct error *err)
{
	size_t length = 0;
	ssize_t got;

	while ((got = recv(fd, answer + length, ANSWER_MAX - 1 - length, 0)) > 0)
		length += (size_t)got;
	answer[length] = '\0';
	answer[strcspn(answer, "\n")] = '\0';
	if (length > 0)
		return 0;
	if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return error_set(err, "the system has not answered within %d s", ANSWER_S);
	return error_set(err, "the system has ended and not answered");
}

static int push(const char *build, const char *file, struct error *err)
{
	char answer[ANSWER_MAX];
	char shown[ANSWER_MAX];
	char path[PATH_MAX];
	struct app_bytes app;
	char head[64];
	int result;
	int fd;

	if (app_bytes_read(&app, file, err) < 0)
		return -1;
	fd = address_read(build, path, err) < 0 ? -1 : socket_connect(path, err);
	if (fd < 0) {
		free(app.bytes);
		return -1;
	}
	snprintf(head, sizeof(head), "replace %zu\n", app.size);
	if (all_send(fd, head, strlen(head)) == 0)
		(void)all_send(fd, app.bytes, app.size);
	result = answer_read(fd, answer, err);
	close(fd);
	free(app.bytes);
	if (result < 0)
		return -1;
	error_printable(shown, sizeof(shown), answer);
	if (strncmp(shown, "ok ", 3) != 0)
		return error_set(err, "%s: %s", app.name,
		                 strncmp(shown, "error ", 6) == 0 ? shown + 6 : shown);
	log_info("%s: %s", app.name, shown + 3);
	return 0;
}

// Returns the exit status.
static int check(char **files)
{
	struct app_bytes app;
	struct error err;
	int status = 0;

	for (; *files; files++) {
		if (app_bytes_read(&app, *files, &err) < 0) {
			log_error("%s", err.text);
			status = 1;
		} else {
			printf("%s\n", app.name);
			free(app.bytes);
		}
	}
	return status;
}

int main(int argc, char **argv)
{
	struct error err;

	log_init("push");
	if (argc > 2 && strcmp(argv[1], "--check") == 0)
		return check(argv + 2);
	if (argc != 3) {
		fputs("usage: starina-push BUILD FILE.app\n"
		      "       starina-push --check FILE.app...\n"
		      "Replaces an app in the system that was started last with the build directory "
		      "BUILD.\n",
		      stderr);
		return 2;
	}
	if (push(argv[1], argv[2], &err) == 0)
		return 0;
	log_error("%s", err.text);
	return 1;
}
