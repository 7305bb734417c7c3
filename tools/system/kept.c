// SPDX-License-Identifier: MIT
#include "tools/system/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/image/digest.h"
#include "tools/system/incoming.h"
#include "tools/system/line_input.h"
#include "tools/system/report.h"

#define FOLDER "/layers"
#define BUFFER_SIZE (1u << 20)  // each is a request to the disk
#define MAX_ANSWER 32
#define SHA256 "sha256:"
#define SUFFIX ".layer"

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

	if (kept->is_silent || strncmp(digest, SHA256, prefix) != 0 || !digest_is_valid(digest))
		return NULL;
	return digest + prefix;
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

// The path of a file that the OS is given; NULL: out of memory.
static char *path_make(const struct kept *kept, const char *name, const char *ending)
{
	char *path;

	return asprintf(&path, "%s/%s%s", kept->incoming, name, ending) < 0 ? NULL : path;
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

// `path` is the file's by now; NULL: there is none.
static void file_begin(struct kept_file *file, char *path)
{
	*file = (struct kept_file){ .fd = -1, .path = path };
	if (!path)
		return;
	file->buffer = malloc(BUFFER_SIZE);
	if (file->buffer)
		file->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (file->fd < 0)
		file_close(file);
}

void kept_file_begin(struct kept *kept, struct kept_file *file, const char *digest)
{
	const char *digits = digits_of(kept, digest);

	file_begin(file, digits ? path_make(kept, digits, SUFFIX) : NULL);
}

void kept_file_begin_unnamed(struct kept *kept, struct kept_file *file)
{
	file_begin(file,
	           kept->is_silent ? NULL : path_make(kept, INCOMING_WORK "/unnamed", SUFFIX));
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

// Where a layer waits; NULL: it is of no kind that is kept.
static char *named_path(const struct kept *kept, const char *digest)
{
	const char *digits = digits_of(kept, digest);
	char *path;

	if (!digits ||
	    asprintf(&path, "%s/" INCOMING_WORK "/%s" SUFFIX, kept->incoming, digits) < 0)
		return NULL;
	return path;
}

void kept_file_name(struct kept *kept, struct kept_file *file, const char *digest)
{
	char *path = digest ? named_path(kept, digest) : NULL;

	flush(file);
	if (file->fd >= 0 && (!path || rename(file->path, path) < 0))
		file_abandon(file);
	file_close(file);
	free(path);
}

// --- Given ---------------------------------------------------------------------------------------

static bool is_on_disk(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool done = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	return done;
}

void kept_put(struct kept *kept, const char *path, const char *digest)
{
	const char *digits = digits_of(kept, digest);
	char *to = digits ? path_make(kept, digits, SUFFIX) : NULL;

	if (to && is_on_disk(path) && rename(path, to) == 0)
		say(digest, "put");
	free(to);
}

void kept_put_named(struct kept *kept, const char *digest)
{
	char *path = named_path(kept, digest);

	if (path)
		kept_put(kept, path, digest);
	free(path);
}

void kept_put_text(struct kept *kept, const char *text, size_t size, const char *digest)
{
	struct kept_file file;

	kept_file_begin_unnamed(kept, &file);
	kept_file_write(&file, text, size);
	kept_file_name(kept, &file, digest);
	kept_put_named(kept, digest);
}
