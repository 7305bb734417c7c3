// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <dirent.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "guest/bootd/archive.h"
#include "guest/bootd/tar_format.h"

#define LINK_BUCKETS 1024u
#define BUFFER_SIZE (64u * 1024)
#define NAMES_MAX (64u * 1024)  // of extended attributes

// A file that has several names, and the first of them.
struct linked {
	struct linked *next;
	dev_t device;
	ino_t inode;
	char name[];
};

struct getter {
	int out;
	int error;  // errno of what went wrong first
	bool one_device;
	dev_t device;  // what is on others is left out
	char name[TAR_NAME_MAX];
	size_t name_len;
	struct linked *links[LINK_BUCKETS];
	char pax[TAR_PAX_MAX];
	size_t pax_len;
	uint8_t buffer[BUFFER_SIZE];
};

// --- Bytes ---------------------------------------------------------------------------------------

static void emit(struct getter *g, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	while (len > 0 && g->error == 0) {
		ssize_t wrote = write(g->out, at, len);

		if (wrote < 0 && errno != EINTR) {
			g->error = errno;
		} else if (wrote > 0) {
			at += wrote;
			len -= (size_t)wrote;
		}
	}
}

static void emit_padding(struct getter *g, uint64_t len)
{
	static const uint8_t zeroes[TAR_BLOCK];

	if (len % TAR_BLOCK != 0)
		emit(g, zeroes, TAR_BLOCK - len % TAR_BLOCK);
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
static void put_record(struct getter *g, const char *key, const void *value, size_t len)
{
	size_t rest = strlen(key) + len + 3, total = rest + digits_of(rest);

	total = rest + digits_of(total);
	if (total > TAR_PAX_MAX - g->pax_len) {
		g->error = g->error != 0 ? g->error : E2BIG;
		return;
	}
	g->pax_len += (size_t)snprintf(g->pax + g->pax_len, total, "%zu %s=", total, key);
	memcpy(g->pax + g->pax_len, value, len);
	g->pax_len += len;
	g->pax[g->pax_len++] = '\n';
}

static void put_number_record(struct getter *g, const char *key, uint64_t value)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%llu", (unsigned long long)value);

	put_record(g, key, text, (size_t)len);
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

static void emit_pax(struct getter *g)
{
	struct tar_header h = { .name = "././@PaxHeader", .type = TAR_PAX };

	if (g->pax_len == 0)
		return;
	put_number(h.mode, sizeof(h.mode), 0644);
	put_number(h.uid, sizeof(h.uid), 0);
	put_number(h.gid, sizeof(h.gid), 0);
	put_number(h.mtime, sizeof(h.mtime), 0);
	put_number(h.size, sizeof(h.size), g->pax_len);
	header_seal(&h);
	emit(g, &h, sizeof(h));
	emit(g, g->pax, g->pax_len);
	emit_padding(g, g->pax_len);
	g->pax_len = 0;
}

// The header of what is called g->name.
static void emit_header(struct getter *g, char type, const struct stat *st, uint64_t size,
                        const char *link)
{
	struct tar_header h = { .type = type };

	if (!put_text(h.name, sizeof(h.name), g->name))
		put_record(g, "path", g->name, g->name_len);
	if (!put_text(h.link, sizeof(h.link), link))
		put_record(g, "linkpath", link, strlen(link));
	put_number(h.mode, sizeof(h.mode), st->st_mode & 07777);
	if (!put_number(h.uid, sizeof(h.uid), st->st_uid))
		put_number_record(g, "uid", st->st_uid);
	if (!put_number(h.gid, sizeof(h.gid), st->st_gid))
		put_number_record(g, "gid", st->st_gid);
	if (!put_number(h.size, sizeof(h.size), size))
		put_number_record(g, "size", size);
	put_number(h.mtime, sizeof(h.mtime),
	           st->st_mtim.tv_sec > 0 ? (uint64_t)st->st_mtim.tv_sec : 0);
	if (type == TAR_CHAR || type == TAR_BLOCK_DEVICE) {
		put_number(h.major, sizeof(h.major), major(st->st_rdev));
		put_number(h.minor, sizeof(h.minor), minor(st->st_rdev));
	}
	header_seal(&h);
	emit_pax(g);
	emit(g, &h, sizeof(h));
}

// --- Entries -------------------------------------------------------------------------------------

// Attributes of the open file, as records. One that is gone meanwhile is left out.
static void put_xattrs(struct getter *g, int fd)
{
	static char names[NAMES_MAX], value[NAMES_MAX];
	char key[XATTR_NAME_MAX + sizeof(TAR_XATTR_PREFIX)];
	ssize_t len = flistxattr(fd, names, sizeof(names));

	for (ssize_t at = 0; at < len; at += (ssize_t)strlen(names + at) + 1) {
		ssize_t size = fgetxattr(fd, names + at, value, sizeof(value));

		// Records have no other way to end a key.
		if (size < 0 || strchr(names + at, '=') != NULL)
			continue;
		snprintf(key, sizeof(key), TAR_XATTR_PREFIX "%s", names + at);
		put_record(g, key, value, (size_t)size);
	}
}

// The name that the file had before; NULL: it is its first.
static const char *find_linked(struct getter *g, const struct stat *st)
{
	struct linked **bucket = &g->links[(st->st_ino ^ st->st_dev) % LINK_BUCKETS];
	struct linked *l;

	for (l = *bucket; l != NULL; l = l->next) {
		if (l->device == st->st_dev && l->inode == st->st_ino)
			return l->name;
	}
	l = malloc(sizeof(*l) + g->name_len + 1);
	if (l == NULL) {
		g->error = ENOMEM;
		return NULL;
	}
	l->device = st->st_dev;
	l->inode = st->st_ino;
	memcpy(l->name, g->name, g->name_len + 1);
	l->next = *bucket;
	*bucket = l;
	return NULL;
}

// As many bytes as the header has said, whatever has become of the file.
static void emit_content(struct getter *g, int fd, uint64_t size)
{
	for (uint64_t left = size; left > 0 && g->error == 0;) {
		size_t part = left < BUFFER_SIZE ? (size_t)left : BUFFER_SIZE;
		ssize_t got = read(fd, g->buffer, part);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			memset(g->buffer, 0, part);
		part = got > 0 ? (size_t)got : part;
		emit(g, g->buffer, part);
		left -= part;
	}
	emit_padding(g, size);
}

static void get_file(struct getter *g, int dir, const char *name, const struct stat *st)
{
	const char *before = st->st_nlink > 1 ? find_linked(g, st) : NULL;
	uint64_t size = st->st_size > 0 ? (uint64_t)st->st_size : 0;
	int fd;

	if (before != NULL) {
		emit_header(g, TAR_HARD_LINK, st, 0, before);
		return;
	}
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		// It is gone; anything else is a reason to stop.
		if (errno != ENOENT && errno != ELOOP)
			g->error = errno;
		return;
	}
	put_xattrs(g, fd);
	emit_header(g, TAR_FILE, st, size, "");
	emit_content(g, fd, size);
	close(fd);
}

static void get_link(struct getter *g, int dir, const char *name, const struct stat *st)
{
	char target[TAR_NAME_MAX];
	ssize_t len = readlinkat(dir, name, target, sizeof(target) - 1);

	if (len < 0)
		return;
	target[len] = '\0';
	emit_header(g, TAR_SYMLINK, st, 0, target);
}

static void get_entry(struct getter *g, int dir, const char *name);

// What the kernel makes up is none of the container's files.
static bool is_made_up(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) != 0)
		return true;
	switch ((unsigned long)fs.f_type) {
	case PROC_SUPER_MAGIC:
	case SYSFS_MAGIC:
	case CGROUP2_SUPER_MAGIC:
	case CGROUP_SUPER_MAGIC:
	case DEVPTS_SUPER_MAGIC:
	case 0x19800202:  // mqueue
		return true;
	default: return false;
	}
}

static void get_children(struct getter *g, int fd)
{
	size_t len = g->name_len;
	const struct dirent *entry;
	DIR *folder = fdopendir(fd);

	if (folder == NULL) {
		g->error = errno;
		close(fd);
		return;
	}
	while (g->error == 0 && (entry = readdir(folder)) != NULL) {
		size_t more = strlen(entry->d_name);

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (more >= TAR_NAME_MAX - 1 - len) {
			g->error = ENAMETOOLONG;
			break;
		}
		memcpy(g->name + len, entry->d_name, more + 1);
		g->name_len = len + more;
		get_entry(g, dirfd(folder), entry->d_name);
	}
	g->name_len = len;
	g->name[len] = '\0';
	closedir(folder);
}

static void get_folder(struct getter *g, int dir, const char *name, const struct stat *st)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			g->error = errno;
		return;
	}
	if (g->name_len > 0 && g->name[g->name_len - 1] != '/' && g->name_len < TAR_NAME_MAX - 1) {
		g->name[g->name_len++] = '/';
		g->name[g->name_len] = '\0';
	}
	put_xattrs(g, fd);
	emit_header(g, TAR_FOLDER, st, 0, "");
	if (is_made_up(fd) || (g->one_device && st->st_dev != g->device))
		close(fd);
	else
		get_children(g, fd);
}

static void get_entry(struct getter *g, int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno != ENOENT)
			g->error = errno;
		return;
	}
	switch (st.st_mode & S_IFMT) {
	case S_IFREG: get_file(g, dir, name, &st); break;
	case S_IFDIR: get_folder(g, dir, name, &st); break;
	case S_IFLNK: get_link(g, dir, name, &st); break;
	case S_IFCHR: emit_header(g, TAR_CHAR, &st, 0, ""); break;
	case S_IFBLK: emit_header(g, TAR_BLOCK_DEVICE, &st, 0, ""); break;
	case S_IFIFO: emit_header(g, TAR_FIFO, &st, 0, ""); break;
	default: break;  // sockets are in no archive
	}
}

// The path's last name, "." of one that ends with it, "/" of the root.
static void first_name(struct getter *g, const char *path)
{
	size_t end = strlen(path), start;

	while (end > 1 && path[end - 1] == '/')
		end--;
	start = end;
	while (start > 0 && path[start - 1] != '/')
		start--;
	if (end == 1 && path[0] == '/')
		start = 0;
	g->name_len = end - start;
	memcpy(g->name, path + start, g->name_len);
	g->name[g->name_len] = '\0';
}

static void free_links(struct getter *g)
{
	for (size_t i = 0; i < LINK_BUCKETS; i++) {
		while (g->links[i] != NULL) {
			struct linked *l = g->links[i];

			g->links[i] = l->next;
			free(l);
		}
	}
}

static int finish(struct getter *g)
{
	static const uint8_t end[2 * TAR_BLOCK];
	int status;

	emit(g, end, sizeof(end));
	status = archive_status_of(g->error);
	free_links(g);
	free(g);
	return status;
}

int archive_get(const char *path, int out)
{
	int status = archive_stat(path, out);
	struct getter *g;

	if (status != ARCHIVE_OK)
		return status;
	g = calloc(1, sizeof(*g));
	if (g == NULL)
		return ARCHIVE_FAILED;
	g->out = out;
	first_name(g, path);
	get_entry(g, AT_FDCWD, path);
	return finish(g);
}

int archive_export(const char *path, int out)
{
	struct getter *g = calloc(1, sizeof(*g));
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (g == NULL || fd < 0 || fstat(fd, &st) != 0) {
		if (fd >= 0)
			close(fd);
		free(g);
		return ARCHIVE_FAILED;
	}
	g->out = out;
	g->one_device = true;
	g->device = st.st_dev;
	get_children(g, fd);
	return finish(g);
}
