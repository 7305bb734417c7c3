// SPDX-License-Identifier: MIT
#include "tools/system/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/image/digest.h"
#include "tools/system/line_input.h"
#include "tools/system/report.h"

#define FOLDER "/layers"
#define BUFFER_SIZE (1u << 20)  // each is a request to the disk
#define MAX_ANSWER 32
#define SHA256 "sha256:"

void kept_init(struct kept *kept, const char *incoming, int answers)
{
	const char *folder = getenv("SYSTEM_LAYERS");

	*kept = (struct kept){ .incoming = incoming,
		               .folder = folder ? folder : FOLDER,
		               .answers = answers };
}

static void say(const char *digest, const char *what)
{
	report_line(json_pack("{s:{s:s, s:s}}", "layer", "digest", digest, "do", what));
}

// The digits that a layer's file is called by; NULL: one of another algorithm is not kept.
static const char *digits_of(const struct kept *kept, const char *digest)
{
	size_t prefix = sizeof(SHA256) - 1;

	return !kept->is_silent && strncmp(digest, SHA256, prefix) == 0 ? digest + prefix : NULL;
}

// Asks, and returns whether the answer is `yes`.
static bool ask(struct kept *kept, const char *digest, const char *what, const char *yes)
{
	char answer[MAX_ANSWER];

	if (!digits_of(kept, digest))
		return false;
	say(digest, what);
	if (line_input(kept->answers, answer, sizeof(answer)) <= 0) {
		kept->is_silent = true;
		return false;
	}
	return strcmp(answer, yes) == 0;
}

bool kept_see(struct kept *kept, const char *digest)
{
	return ask(kept, digest, "see", "have");
}

static int kept_open(const struct kept *kept, const char *digits)
{
	char *path;
	int fd;

	if (asprintf(&path, "%s/%s", kept->folder, digits) < 0)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	free(path);
	return fd;
}

int kept_get(struct kept *kept, const char *digest)
{
	// One that is not where it is said to be is dropped, and asked for again.
	for (unsigned tries = 0; tries < 2 && ask(kept, digest, "get", "have"); tries++) {
		int fd = kept_open(kept, digits_of(kept, digest));

		if (fd >= 0)
			return fd;
		kept_drop(kept, digest);
		kept->is_silent = tries > 0;
	}
	return -1;
}

void kept_drop(struct kept *kept, const char *digest)
{
	if (digits_of(kept, digest))
		say(digest, "drop");
}

bool kept_is_whole(int fd, const char *digest)
{
	char actual[DIGEST_TEXT_SIZE];
	struct digest state = { 0 };
	struct error ignored;
	char block[4096];
	ssize_t length;

	if (lseek(fd, 0, SEEK_SET) < 0 || digest_init(&state, digest, &ignored) < 0)
		return false;
	while ((length = read(fd, block, sizeof(block))) > 0)
		digest_update(&state, block, (size_t)length);
	digest_finish(&state, actual);
	return length == 0 && strcmp(actual, digest) == 0;
}

// --- Files ---------------------------------------------------------------------------------------

static void file_close(struct kept_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	free(file->path);
	free(file->buffer);
	*file = (struct kept_file){ .fd = -1 };
}

static void file_abandon(struct kept_file *file)
{
	if (file->fd >= 0)
		unlink(file->path);
	file_close(file);
}

static void flush(struct kept_file *file)
{
	size_t done = 0;

	while (file->fd >= 0 && done < file->buffered) {
		ssize_t length = write(file->fd, file->buffer + done, file->buffered - done);

		if (length >= 0)
			done += (size_t)length;
		else if (errno != EINTR)
			file_abandon(file);
	}
	file->buffered = 0;
}

void kept_file_begin(struct kept *kept, struct kept_file *file, const char *digest)
{
	const char *digits = digits_of(kept, digest);

	*file = (struct kept_file){ .fd = -1 };
	if (!digits || asprintf(&file->path, "%s/%s.layer", kept->incoming, digits) < 0) {
		file->path = NULL;
		return;
	}
	file->buffer = malloc(BUFFER_SIZE);
	if (file->buffer)
		file->fd = open(file->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (file->fd < 0)
		file_close(file);
}

void kept_file_write(struct kept_file *file, const void *bytes, size_t size)
{
	const char *from = bytes;

	while (file->fd >= 0 && size > 0) {
		size_t room = BUFFER_SIZE - file->buffered;
		size_t part = size < room ? size : room;

		memcpy(file->buffer + file->buffered, from, part);
		file->buffered += part;
		from += part;
		size -= part;
		if (file->buffered == BUFFER_SIZE)
			flush(file);
	}
}

bool kept_file_end(struct kept *kept, struct kept_file *file, const char *digest, bool is_whole)
{
	flush(file);
	if (file->fd >= 0 && (!is_whole || fsync(file->fd) < 0))
		file_abandon(file);
	is_whole = file->fd >= 0;
	if (is_whole)
		say(digest, "keep");
	else
		kept_drop(kept, digest);
	file_close(file);
	return is_whole;
}
