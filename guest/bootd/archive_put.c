// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "guest/bootd/archive.h"
#include "guest/bootd/gzip.h"
#include "guest/bootd/tar_read.h"

#define BUFFER_SIZE (64u * 1024)
#define MAX_OPEN 64

// A folder gets its time when all is in it.
struct folder_time {
	struct folder_time *next;
	int64_t mtime;
	char name[];
};

struct putter {
	const struct archive_put *how;
	struct tar_reader reader;
	struct tar_entry entry;
	struct folder_time *times;
	uint8_t buffer[BUFFER_SIZE];
};

static long read_input(void *context, void *bytes, size_t len)
{
	ssize_t got;

	do
		got = read(*(int *)context, bytes, len);
	while (got < 0 && errno == EINTR);
	return got;
}

// Takes away what leads nowhere else: "/" at the beginning, "." and double "/". False: there is a
// "..", or nothing is left but the folder itself (`*itself`).
static bool clean(char *name, bool *itself)
{
	const char *from = name;
	char *to = name;

	while (*from != '\0') {
		size_t len = strcspn(from, "/");

		if (len == 2 && memcmp(from, "..", 2) == 0)
			return false;
		if (len > 0 && !(len == 1 && *from == '.')) {
			if (to > name)
				*to++ = '/';
			memmove(to, from, len);
			to += len;
		}
		from += len;
		from += *from == '/';
	}
	*to = '\0';
	*itself = to == name;
	return true;
}

// --- What is in the way --------------------------------------------------------------------------

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

// Returns a status; *stays: the folder that is there is the entry's.
static int make_way(const struct putter *p, const char *name, bool *stays)
{
	bool is_folder = p->entry.type == TAR_FOLDER;
	struct stat st;

	*stays = false;
	if (lstat(name, &st) != 0)
		return errno == ENOENT ? ARCHIVE_OK : archive_status_of(errno);
	if (S_ISDIR(st.st_mode) && is_folder) {
		*stays = true;
		return ARCHIVE_OK;
	}
	if (p->how->keep_kinds && S_ISDIR(st.st_mode))
		return ARCHIVE_OVER_FOLDER;
	if (p->how->keep_kinds && is_folder)
		return ARCHIVE_OVER_OTHER;
	// Mounts of the container's stay: EBUSY.
	if (nftw(name, remove_one, MAX_OPEN, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0)
		return archive_status_of(errno);
	return ARCHIVE_OK;
}

// The folders that the archive has no entries of.
static int make_parents(char *name)
{
	struct stat st;

	for (char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		int error = 0;

		*slash = '\0';
		if (stat(name, &st) != 0 && mkdir(name, 0755) != 0 && errno != EEXIST)
			error = errno;
		*slash = '/';
		if (error != 0)
			return archive_status_of(error);
	}
	return ARCHIVE_OK;
}

// --- Entries -------------------------------------------------------------------------------------

static int put_file(struct putter *p, const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int status = ARCHIVE_OK;
	long got = 0;

	if (fd < 0)
		return archive_status_of(errno);
	while (status == ARCHIVE_OK &&
	       (got = tar_content(&p->reader, p->buffer, sizeof(p->buffer))) > 0) {
		for (long done = 0; done < got && status == ARCHIVE_OK;) {
			ssize_t wrote = write(fd, p->buffer + done, (size_t)(got - done));

			if (wrote < 0 && errno != EINTR)
				status = archive_status_of(errno);
			done += wrote > 0 ? wrote : 0;
		}
	}
	if (close(fd) != 0 && status == ARCHIVE_OK)
		status = archive_status_of(errno);
	if (got < 0)
		status = errno == EBADMSG ? ARCHIVE_MALFORMED : archive_status_of(errno);
	return status;
}

static int put_link(struct putter *p, const char *name)
{
	bool itself;

	// As all names, from the folder on.
	if (!clean(p->entry.link, &itself) || itself)
		return ARCHIVE_MALFORMED;
	return linkat(AT_FDCWD, p->entry.link, AT_FDCWD, name, 0) == 0 ? ARCHIVE_OK
								       : archive_status_of(errno);
}

static int put_node(struct putter *p, const char *name)
{
	const struct tar_entry *e = &p->entry;
	dev_t device = makedev(e->major, e->minor);
	int result;

	switch (e->type) {
	case TAR_FILE: return put_file(p, name);
	case TAR_HARD_LINK: return put_link(p, name);
	case TAR_FOLDER: result = mkdir(name, 0700); break;
	case TAR_SYMLINK: result = symlink(e->link, name); break;
	case TAR_CHAR: result = mknod(name, S_IFCHR | 0600, device); break;
	case TAR_BLOCK_DEVICE: result = mknod(name, S_IFBLK | 0600, device); break;
	case TAR_FIFO: result = mkfifo(name, 0600); break;
	default: return ARCHIVE_MALFORMED;
	}
	return result == 0 ? ARCHIVE_OK : archive_status_of(errno);
}

// Attributes that the file system does not take are left out, as docker does.
static void put_xattrs(const struct tar_entry *e, const char *name)
{
	for (size_t at = 0; at < e->xattrs_len;) {
		const char *key = (const char *)e->xattrs + at;
		uint32_t len;

		at += strlen(key) + 1;
		memcpy(&len, e->xattrs + at, sizeof(len));
		at += sizeof(len);
		(void)lsetxattr(name, key, e->xattrs + at, len, 0);
		at += len;
	}
}

static int keep_time(struct putter *p, const char *name)
{
	struct folder_time *t = malloc(sizeof(*t) + strlen(name) + 1);

	if (t == NULL)
		return ARCHIVE_FAILED;
	t->mtime = p->entry.mtime;
	memcpy(t->name, name, strlen(name) + 1);
	t->next = p->times;
	p->times = t;
	return ARCHIVE_OK;
}

static void set_time(const char *name, int64_t mtime)
{
	const struct timespec times[2] = { { .tv_sec = mtime }, { .tv_sec = mtime } };

	(void)utimensat(AT_FDCWD, name, times, AT_SYMLINK_NOFOLLOW);
}

// Owner, mode, attributes, time: in this order, for each may undo what is before it.
static int set_attributes(struct putter *p, const char *name)
{
	const struct tar_entry *e = &p->entry;
	uid_t uid = p->how->has_owner ? p->how->uid : e->uid;
	gid_t gid = p->how->has_owner ? p->how->gid : e->gid;

	if (e->type == TAR_HARD_LINK)
		return ARCHIVE_OK;
	if (lchown(name, uid, gid) != 0)
		return archive_status_of(errno);
	if (e->type != TAR_SYMLINK && chmod(name, e->mode & 07777) != 0)
		return archive_status_of(errno);
	put_xattrs(e, name);
	if (e->type == TAR_FOLDER)
		return keep_time(p, name);
	set_time(name, e->mtime);
	return ARCHIVE_OK;
}

static int put_entry(struct putter *p)
{
	char *name = p->entry.name;
	bool itself, stays;
	int status;

	if (!clean(name, &itself))
		return ARCHIVE_MALFORMED;
	// The folder that all goes to is there, and stays as it is.
	if (itself)
		return p->entry.type == TAR_FOLDER ? ARCHIVE_OK : ARCHIVE_MALFORMED;
	status = make_parents(name);
	if (status == ARCHIVE_OK)
		status = make_way(p, name, &stays);
	if (status == ARCHIVE_OK && !stays)
		status = put_node(p, name);
	return status == ARCHIVE_OK ? set_attributes(p, name) : status;
}

static void set_folder_times(struct putter *p)
{
	while (p->times != NULL) {
		struct folder_time *t = p->times;

		p->times = t->next;
		set_time(t->name, t->mtime);
		free(t);
	}
}

// Who sends it has padding behind the archive's end, or is to be told what is wrong.
static void drain(struct putter *p, int in)
{
	while (read_input(&in, p->buffer, sizeof(p->buffer)) > 0)
		;
}

static int put_all(struct putter *p)
{
	int got, status = ARCHIVE_OK;

	while (status == ARCHIVE_OK && (got = tar_next(&p->reader, &p->entry)) != 0)
		status = got > 0 ? put_entry(p) : ARCHIVE_MALFORMED;
	return status;
}

static int sync_folder(void)
{
	int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int status = fd >= 0 && syncfs(fd) == 0 ? ARCHIVE_OK : archive_status_of(errno);

	if (fd >= 0)
		close(fd);
	return status;
}

// Whether anything can be put into this folder, though the archive may be empty.
static int enter(const char *path)
{
	struct statvfs fs;
	struct stat folder, root;

	if (chdir(path) != 0 || statvfs(".", &fs) != 0 || stat(".", &folder) != 0 ||
	    stat("/", &root) != 0)
		return archive_status_of(errno);
	if ((fs.f_flag & ST_RDONLY) == 0)
		return ARCHIVE_OK;
	return folder.st_dev == root.st_dev ? ARCHIVE_READ_ONLY : ARCHIVE_MOUNT_READ_ONLY;
}

int archive_put(const char *path, const struct archive_put *how, int in)
{
	struct putter *p = calloc(1, sizeof(*p));
	struct gzip *gzip = gzip_open(read_input, &in);
	int status;

	if (p == NULL || gzip == NULL || tar_reader_init(&p->reader, gzip_read, gzip) != 0) {
		gzip_close(gzip);
		free(p);
		return ARCHIVE_FAILED;
	}
	p->how = how;
	umask(0);
	status = enter(path);
	if (status == ARCHIVE_OK)
		status = put_all(p);
	set_folder_times(p);
	if (status == ARCHIVE_OK && how->syncs)
		status = sync_folder();
	drain(p, in);
	tar_reader_deinit(&p->reader);
	gzip_close(gzip);
	free(p);
	return status;
}
