// SPDX-License-Identifier: MIT
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "guest/bootd/archive.h"
#include "guest/bootd/image_path.h"

#define TEXT_MAX (16u * 1024)

// Bits of Go's os.FileMode, which docker's clients expect.
#define GO_FOLDER (1u << 31)
#define GO_SYMLINK (1u << 27)
#define GO_DEVICE (1u << 26)
#define GO_FIFO (1u << 25)
#define GO_SOCKET (1u << 24)
#define GO_SETUID (1u << 23)
#define GO_SETGID (1u << 22)
#define GO_CHAR (1u << 21)
#define GO_STICKY (1u << 20)

static uint32_t go_mode(mode_t mode)
{
	uint32_t bits = mode & 0777;

	bits |= (mode & S_ISUID) != 0 ? GO_SETUID : 0;
	bits |= (mode & S_ISGID) != 0 ? GO_SETGID : 0;
	bits |= (mode & S_ISVTX) != 0 ? GO_STICKY : 0;
	switch (mode & S_IFMT) {
	case S_IFDIR: return bits | GO_FOLDER;
	case S_IFLNK: return bits | GO_SYMLINK;
	case S_IFBLK: return bits | GO_DEVICE;
	case S_IFCHR: return bits | GO_DEVICE | GO_CHAR;
	case S_IFIFO: return bits | GO_FIFO;
	case S_IFSOCK: return bits | GO_SOCKET;
	default: return bits;
	}
}

struct text {
	char bytes[TEXT_MAX];
	size_t len;
	int is_cut;
};

static void put(struct text *text, char c)
{
	if (text->len < TEXT_MAX)
		text->bytes[text->len++] = c;
	else
		text->is_cut = 1;
}

static void put_raw(struct text *text, const char *bytes)
{
	while (*bytes != '\0')
		put(text, *bytes++);
}

// Bytes that are no UTF-8 stay as they are: who reads it replaces them.
static void put_string(struct text *text, const char *bytes)
{
	char escape[8];

	put(text, '"');
	for (; *bytes != '\0'; bytes++) {
		if ((unsigned char)*bytes < ' ' || *bytes == '"' || *bytes == '\\') {
			snprintf(escape, sizeof(escape), "\\u%04x", (unsigned char)*bytes);
			put_raw(text, escape);
		} else {
			put(text, *bytes);
		}
	}
	put(text, '"');
}

static const char *last_name(const char *path)
{
	const char *end = strrchr(path, '/');

	return end == NULL || end[1] == '\0' ? path : end + 1;
}

static void put_name(struct text *text, const char *path)
{
	char copy[PATH_MAX];
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	snprintf(copy, sizeof(copy), "%.*s", (int)len, path);
	put_string(text, last_name(copy));
}

// Where a symbolic link leads to, at the end; of one that leads nowhere, where that would be.
static void put_target(struct text *text, const char *path, const struct stat *st)
{
	char target[PATH_MAX];
	ssize_t len;

	if (!S_ISLNK(st->st_mode)) {
		put_string(text, "");
	} else if (realpath(path, target) != NULL || image_path_find(path, target) == 0) {
		put_string(text, target);
	} else {
		len = readlink(path, target, sizeof(target) - 1);
		target[len > 0 ? len : 0] = '\0';
		put_string(text, target);
	}
}

static void put_document(struct text *text, const char *path, const struct stat *st)
{
	char number[96], day[40];
	struct tm when;

	put_raw(text, "{\"name\":");
	put_name(text, path);
	snprintf(number, sizeof(number), ",\"size\":%lld,\"mode\":%u,\"mtime\":\"",
	         (long long)st->st_size, go_mode(st->st_mode));
	put_raw(text, number);
	// In four digits, which strftime's %Y has not before the year 1000.
	if (gmtime_r(&st->st_mtim.tv_sec, &when) == NULL || when.tm_year > 8099 ||
	    when.tm_year < -1900)
		snprintf(day, sizeof(day), "0001-01-01T00:00:00");
	else
		snprintf(day, sizeof(day), "%04d-%02d-%02dT%02d:%02d:%02d", when.tm_year + 1900,
		         when.tm_mon + 1, when.tm_mday, when.tm_hour, when.tm_min, when.tm_sec);
	put_raw(text, day);
	snprintf(number, sizeof(number), ".%09ldZ\",\"linkTarget\":", st->st_mtim.tv_nsec);
	put_raw(text, number);
	put_target(text, path, st);
	put(text, '}');
}

static void encode(const struct text *in, struct text *out)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < in->len; i += 3) {
		size_t left = in->len - i;
		uint32_t word = 0;

		for (size_t k = 0; k < 3; k++)
			word = word << 8 | (k < left ? (uint8_t)in->bytes[i + k] : 0u);
		for (size_t k = 0; k < 4; k++)
			put(out, k <= left ? digits[word >> (18 - 6 * k) & 63] : '=');
	}
}

int archive_stat(const char *path, int out)
{
	static struct text document, line;
	struct stat st;

	if (strlen(path) >= PATH_MAX || lstat(path, &st) != 0)
		return archive_status_of(strlen(path) >= PATH_MAX ? ENOENT : errno);
	document.len = line.len = 0;
	document.is_cut = line.is_cut = 0;
	put_document(&document, path, &st);
	encode(&document, &line);
	put(&line, '\n');
	// As of a link whose target has thousands of characters to escape. Whoever reads it waits
	// for the end of the line.
	if (document.is_cut || line.is_cut)
		return ARCHIVE_FAILED;
	for (size_t done = 0; done < line.len;) {
		ssize_t wrote = write(out, line.bytes + done, line.len - done);

		if (wrote < 0 && errno != EINTR)
			return ARCHIVE_FAILED;
		done += wrote > 0 ? (size_t)wrote : 0;
	}
	return ARCHIVE_OK;
}
