// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <dirent.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "guest/bootd/archive.h"
#include "guest/bootd/tar_write.h"

struct getter {
	struct tar_writer tar;
	bool one_device;
	dev_t device;  // what is on others is left out
};

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
	size_t len = g->tar.name_len;
	const struct dirent *entry;
	DIR *folder = fdopendir(fd);

	if (folder == NULL) {
		g->tar.error = errno;
		close(fd);
		return;
	}
	while (g->tar.error == 0 && (entry = readdir(folder)) != NULL) {
		size_t more = strlen(entry->d_name);

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (more >= TAR_NAME_MAX - 1 - len) {
			g->tar.error = ENAMETOOLONG;
			break;
		}
		memcpy(g->tar.name + len, entry->d_name, more + 1);
		g->tar.name_len = len + more;
		get_entry(g, dirfd(folder), entry->d_name);
	}
	g->tar.name_len = len;
	g->tar.name[len] = '\0';
	closedir(folder);
}

static void get_folder(struct getter *g, int dir, const char *name, const struct stat *st)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			g->tar.error = errno;
		return;
	}
	if (g->tar.name_len > 0 && g->tar.name[g->tar.name_len - 1] != '/' &&
	    g->tar.name_len < TAR_NAME_MAX - 1) {
		g->tar.name[g->tar.name_len++] = '/';
		g->tar.name[g->tar.name_len] = '\0';
	}
	tar_write_xattrs(&g->tar, fd);
	tar_write_header(&g->tar, TAR_FOLDER, st, 0, "");
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
			g->tar.error = errno;
		return;
	}
	switch (st.st_mode & S_IFMT) {
	case S_IFREG: tar_write_file(&g->tar, dir, name, &st); break;
	case S_IFDIR: get_folder(g, dir, name, &st); break;
	case S_IFLNK: tar_write_symlink(&g->tar, dir, name, &st); break;
	case S_IFCHR: tar_write_header(&g->tar, TAR_CHAR, &st, 0, ""); break;
	case S_IFBLK: tar_write_header(&g->tar, TAR_BLOCK_DEVICE, &st, 0, ""); break;
	case S_IFIFO: tar_write_header(&g->tar, TAR_FIFO, &st, 0, ""); break;
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
	g->tar.name_len = end - start;
	memcpy(g->tar.name, path + start, g->tar.name_len);
	g->tar.name[g->tar.name_len] = '\0';
}

static int finish(struct getter *g)
{
	int status = archive_status_of(tar_write_end(&g->tar));

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
	g->tar.out = out;
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
	g->tar.out = out;
	g->one_device = true;
	g->device = st.st_dev;
	get_children(g, fd);
	return finish(g);
}
