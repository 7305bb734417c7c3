// SPDX-License-Identifier: MIT
#include "tools/push/app_bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libs/loader/loader.h"

static int file_read(struct app_bytes *app, int fd, const char *path, struct error *err)
{
	struct stat stat;
	size_t done = 0;

	if (fstat(fd, &stat) < 0)
		return error_set_errno(err, errno, "cannot read %s", path);
	if (!S_ISREG(stat.st_mode))
		return error_set(err, "%s is not a file", path);
	if (stat.st_size > (off_t)APP_FILE_MAX)
		return error_set(err, "%s is not an app: it has more than %lu bytes", path,
		                 APP_FILE_MAX);
	app->bytes = malloc((size_t)stat.st_size + 1);
	if (!app->bytes)
		return error_set(err, "out of memory");
	while (done < (size_t)stat.st_size) {
		ssize_t length = read(fd, app->bytes + done, (size_t)stat.st_size - done);

		if (length <= 0)
			return error_set_errno(err, length < 0 ? errno : EIO, "cannot read %s",
			                       path);
		done += (size_t)length;
	}
	app->size = done;
	return 0;
}

static int file_check(struct app_bytes *app, const char *path, struct error *err)
{
	struct app_file *file = malloc(sizeof(*file));
	struct span bytes = { .data = (const uint8_t *)app->bytes, .len = app->size };
	int result = 0;

	if (!file)
		return error_set(err, "out of memory");
	if (app_file_read(file, bytes) != 0)
		result = error_set(err, "%s is not an app: %s", path, file->error);
	else
		snprintf(app->name, sizeof(app->name), "%s", file->spec.name);
	free(file);
	return result;
}

int app_bytes_read(struct app_bytes *app, const char *path, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int result;

	*app = (struct app_bytes){ 0 };
	if (fd < 0)
		return error_set_errno(err, errno,
		                       "cannot open %s (make build/apps/NAME.app makes "
		                       "such a file)",
		                       path);
	result = file_read(app, fd, path, err);
	close(fd);
	if (result == 0)
		result = file_check(app, path, err);
	if (result < 0) {
		free(app->bytes);
		app->bytes = NULL;
	}
	return result;
}
