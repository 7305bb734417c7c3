// SPDX-License-Identifier: MIT
#include "guest/bootd/tar_write.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define BUFFER_SIZE sizeof(((struct tar_writer *)0)->buffer)
#define NAMES_MAX (64u * 1024)  // of extended attributes

// A file that has several names, and the first of them.
struct tar_linked {
	struct tar_linked *next;
	dev_t device;
	ino_t inode;
	char name[];
};

// --- Bytes ---------------------------------------------------------------------------------------

static void write_all(struct tar_writer *w, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	while (len > 0 && w->error == 0) {
		ssize_t wrote = write(w->out, at, len);

		if (wrote < 0 && errno != EINTR) {
			w->error = errno;
		} else if (wrote > 0) {
			at += wrote;
			len -= (size_t)wrote;
		}
	}
}

// A frame: its length in four bytes, the first the highest, and so many bytes.
static void write_frame(struct tar_writer *w)
{
	size_t len = w->frame_len;

	for (unsigned i = 0; i < TAR_FRAME_HEAD; i++)
		w->frame[i] = (uint8_t)(len >> (24 - 8 * i));
	w->frame_len = 0;
	write_all(w, w->frame, TAR_FRAME_HEAD + len);
}

void tar_write_bytes(struct tar_writer *w, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	if (w->only_counts) {
		w->total += len;
		return;
	}
	if (!w->is_framed) {
		write_all(w, bytes, len);
		return;
	}
	while (len > 0 && w->error == 0) {
		size_t part = TAR_FRAME_MAX - w->frame_len;

		part = part < len ? part : len;
		memcpy(w->frame + TAR_FRAME_HEAD + w->frame_len, at, part);
		w->frame_len += part;
		at += part;
		len -= part;
		if (w->frame_len == TAR_FRAME_MAX)
			write_frame(w);
	}
}

static void write_padding(struct tar_writer *w, uint64_t len)
{
	static const uint8_t zeroes[TAR_BLOCK];

	if (len % TAR_BLOCK != 0)
		tar_write_bytes(w, zeroes, TAR_BLOCK - len % TAR_BLOCK);
}

// --- Headers -------------------------------------------------------------------------------------

// False: it does not fit, and a pax record says it.
static bool put_number(char *field, size_t size, uint64_t value)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%0*llo", (int)size - 1, (unsigned long long)value);

	if ((size_t)len >= size) {
		memset(field, '0', size - 1);
		return false;
	}
	memcpy(field, text, size - 1);
	return true;
}

static bool put_text(char *field, size_t size, const char *text)
{
	size_t len = strlen(text);

	memcpy(field, text, len < size ? len : size);
	return len <= size;
}

static size_t digits_of(size_t value)
{
	size_t digits = 1;

	while (value >= 10) {
		value /= 10;
		digits++;
	}
	return digits;
}

// "LENGTH KEY=VALUE\n", whose length counts itself.
static void put_record(struct tar_writer *w, const char *key, const void *value, size_t len)
{
	size_t rest = strlen(key) + len + 3, total = rest + digits_of(rest);

	total = rest + digits_of(total);
	if (total > TAR_PAX_MAX - w->pax_len) {
		w->error = w->error != 0 ? w->error : E2BIG;
		return;
	}
	w->pax_len += (size_t)snprintf(w->pax + w->pax_len, total, "%zu %s=", total, key);
	memcpy(w->pax + w->pax_len, value, len);
	w->pax_len += len;
	w->pax[w->pax_len++] = '\n';
}

static void put_number_record(struct tar_writer *w, const char *key, int64_t value)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%lld", (long long)value);

	put_record(w, key, text, (size_t)len);
}

static void header_seal(struct tar_header *h)
{
	unsigned sum = 0;

	memcpy(h->magic, "ustar", 6);
	memcpy(h->version, "00", 2);
	memset(h->checksum, ' ', sizeof(h->checksum));
	for (size_t i = 0; i < sizeof(*h); i++)
		sum += ((const uint8_t *)h)[i];
	snprintf(h->checksum, sizeof(h->checksum), "%06o", sum);
}

static void write_pax(struct tar_writer *w)
{
	struct tar_header h = { .name = "././@PaxHeader", .type = TAR_PAX };

	if (w->pax_len == 0)
		return;
	put_number(h.mode, sizeof(h.mode), 0644);
	put_number(h.uid, sizeof(h.uid), 0);
	put_number(h.gid, sizeof(h.gid), 0);
	put_number(h.mtime, sizeof(h.mtime), 0);
	put_number(h.size, sizeof(h.size), w->pax_len);
	header_seal(&h);
	tar_write_bytes(w, &h, sizeof(h));
	tar_write_bytes(w, w->pax, w->pax_len);
	write_padding(w, w->pax_len);
	w->pax_len = 0;
}

// The header of what is called w->name.
void tar_write_header(struct tar_writer *w, char type, const struct stat *st, uint64_t size,
                      const char *link)
{
	struct tar_header h = { .type = type };
	int64_t time = st->st_mtim.tv_sec;

	if (!put_text(h.name, sizeof(h.name), w->name))
		put_record(w, "path", w->name, w->name_len);
	if (!put_text(h.link, sizeof(h.link), link))
		put_record(w, "linkpath", link, strlen(link));
	put_number(h.mode, sizeof(h.mode), st->st_mode & 07777);
	if (!put_number(h.uid, sizeof(h.uid), st->st_uid))
		put_number_record(w, "uid", st->st_uid);
	if (!put_number(h.gid, sizeof(h.gid), st->st_gid))
		put_number_record(w, "gid", st->st_gid);
	if (!put_number(h.size, sizeof(h.size), size))
		put_number_record(w, "size", (int64_t)size);
	// The header has no times before 1970.
	if (!put_number(h.mtime, sizeof(h.mtime), time > 0 ? (uint64_t)time : 0) || time < 0)
		put_number_record(w, "mtime", time);
	if (type == TAR_CHAR || type == TAR_BLOCK_DEVICE) {
		put_number(h.major, sizeof(h.major), major(st->st_rdev));
		put_number(h.minor, sizeof(h.minor), minor(st->st_rdev));
	}
	header_seal(&h);
	write_pax(w);
	tar_write_bytes(w, &h, sizeof(h));
}

// --- Entries -------------------------------------------------------------------------------------

static void fail(struct tar_writer *w)
{
	w->error = w->error != 0 ? w->error : errno;
}

// Attributes of the open file, as records. One that is gone meanwhile is left out.
void tar_write_xattrs(struct tar_writer *w, int fd)
{
	static char names[NAMES_MAX], value[NAMES_MAX];
	char key[XATTR_NAME_MAX + sizeof(TAR_XATTR_PREFIX)];
	ssize_t len = flistxattr(fd, names, sizeof(names));

	if (len < 0 && errno != EOPNOTSUPP)
		fail(w);
	for (ssize_t at = 0; at < len; at += (ssize_t)strlen(names + at) + 1) {
		ssize_t size;

		// Records have no other way to end a key. What is trusted is overlayfs's own.
		if (strchr(names + at, '=') != NULL || strncmp(names + at, "trusted.", 8) == 0)
			continue;
		size = fgetxattr(fd, names + at, value, sizeof(value));
		if (size < 0 && errno != ENODATA && errno != EOPNOTSUPP)
			fail(w);
		if (size < 0)
			continue;
		snprintf(key, sizeof(key), TAR_XATTR_PREFIX "%.*s", XATTR_NAME_MAX, names + at);
		put_record(w, key, value, (size_t)size);
	}
}

// The name that the file had before; NULL: it is its first.
static const char *find_linked(struct tar_writer *w, const struct stat *st)
{
	struct tar_linked **bucket = &w->links[(st->st_ino ^ st->st_dev) % TAR_LINK_BUCKETS];
	struct tar_linked *l;

	for (l = *bucket; l != NULL; l = l->next) {
		if (l->device == st->st_dev && l->inode == st->st_ino)
			return l->name;
	}
	l = malloc(sizeof(*l) + w->name_len + 1);
	if (l == NULL) {
		w->error = ENOMEM;
		return NULL;
	}
	l->device = st->st_dev;
	l->inode = st->st_ino;
	memcpy(l->name, w->name, w->name_len + 1);
	l->next = *bucket;
	*bucket = l;
	return NULL;
}

// As many bytes as the header has said, though the file may have become shorter.
static void write_content(struct tar_writer *w, int fd, uint64_t size)
{
	if (w->only_counts) {
		w->total += size;
		write_padding(w, size);
		return;
	}
	for (uint64_t left = size; left > 0 && w->error == 0;) {
		size_t part = left < BUFFER_SIZE ? (size_t)left : BUFFER_SIZE;
		ssize_t got = read(fd, w->buffer, part);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			fail(w);
			return;
		}
		if (got == 0)
			memset(w->buffer, 0, part);
		part = got > 0 ? (size_t)got : part;
		tar_write_bytes(w, w->buffer, part);
		left -= part;
	}
	write_padding(w, size);
}

void tar_write_file(struct tar_writer *w, int dir, const char *name, const struct stat *st)
{
	const char *before = st->st_nlink > 1 ? find_linked(w, st) : NULL;
	uint64_t size = st->st_size > 0 ? (uint64_t)st->st_size : 0;
	struct stat opened;
	int fd;

	if (before != NULL) {
		tar_write_header(w, TAR_HARD_LINK, st, 0, before);
		return;
	}
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		// It is gone; anything else is a reason to stop.
		if (errno != ENOENT && errno != ELOOP)
			w->error = errno;
		return;
	}
	if (fstat(fd, &opened) != 0) {
		fail(w);
	} else if (S_ISREG(opened.st_mode)) {
		tar_write_xattrs(w, fd);
		tar_write_header(w, TAR_FILE, st, size, "");
		write_content(w, fd, size);
	}
	close(fd);
}

void tar_write_symlink(struct tar_writer *w, int dir, const char *name, const struct stat *st)
{
	char target[TAR_NAME_MAX];
	ssize_t len = readlinkat(dir, name, target, sizeof(target) - 1);

	if (len < 0) {
		// It is gone, or something else.
		if (errno != ENOENT && errno != EINVAL)
			fail(w);
		return;
	}
	target[len] = '\0';
	tar_write_header(w, TAR_SYMLINK, st, 0, target);
}

static void free_links(struct tar_writer *w)
{
	for (size_t i = 0; i < TAR_LINK_BUCKETS; i++) {
		while (w->links[i] != NULL) {
			struct tar_linked *l = w->links[i];

			w->links[i] = l->next;
			free(l);
		}
	}
}

void tar_write_part_end(struct tar_writer *w)
{
	if (w->is_framed && w->frame_len > 0)
		write_frame(w);
	if (w->is_framed)
		write_frame(w);
}

int tar_write_end(struct tar_writer *w)
{
	static const uint8_t end[2 * TAR_BLOCK];

	tar_write_bytes(w, end, sizeof(end));
	if (!w->only_counts)
		tar_write_part_end(w);
	free_links(w);
	return w->error;
}
