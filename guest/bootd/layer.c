// SPDX-License-Identifier: MIT
#include "guest/bootd/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "guest/bootd/archive.h"
#include "guest/bootd/procfs.h"
#include "guest/bootd/rootfs.h"
#include "guest/bootd/tar_write.h"

#define WHITEOUT ".wh."
#define OPAQUE ".wh..wh..opq"

struct layer_writer {
	struct tar_writer tar;
	const struct layer_view *view;
	bool is_upper;  // that is being written, not the lower one
};

static void write_children(struct layer_writer *w, int fd);

// Appends to the name of the next entry. False, with an error: it is too long.
static bool append(struct tar_writer *tar, const char *text)
{
	size_t len = strlen(text);

	if (len >= sizeof(tar->name) - tar->name_len) {
		tar->error = ENAMETOOLONG;
		return false;
	}
	memcpy(tar->name + tar->name_len, text, len + 1);
	tar->name_len += len;
	return true;
}

static void cut(struct tar_writer *tar, size_t len)
{
	tar->name_len = len;
	tar->name[len] = '\0';
}

// An empty file that says something of the folder that the name has by now.
static void write_mark(struct tar_writer *tar, const char *prefix, const char *name)
{
	const struct stat none = { .st_mode = S_IFREG };
	size_t len = tar->name_len;

	if (append(tar, prefix) && append(tar, name))
		tar_write_header(tar, TAR_FILE, &none, 0, "");
	cut(tar, len);
}

static void write_folder(struct layer_writer *w, int dir, const char *name, const struct stat *st)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			w->tar.error = errno;
		return;
	}
	if (append(&w->tar, "/")) {
		tar_write_xattrs(&w->tar, fd);
		tar_write_header(&w->tar, TAR_FOLDER, st, 0, "");
		if (w->is_upper && layer_is_opaque(fd))
			write_mark(&w->tar, OPAQUE, "");
		write_children(w, fd);
	}
	close(fd);
}

// What is called `name` in `dir`, and w->tar.name in the archive.
static void write_entry(struct layer_writer *w, int dir, const char *name, const struct stat *st)
{
	switch (st->st_mode & S_IFMT) {
	case S_IFREG: tar_write_file(&w->tar, dir, name, st); break;
	case S_IFDIR: write_folder(w, dir, name, st); break;
	case S_IFLNK: tar_write_symlink(&w->tar, dir, name, st); break;
	case S_IFCHR: tar_write_header(&w->tar, TAR_CHAR, st, 0, ""); break;
	case S_IFBLK: tar_write_header(&w->tar, TAR_BLOCK_DEVICE, st, 0, ""); break;
	case S_IFIFO: tar_write_header(&w->tar, TAR_FIFO, st, 0, ""); break;
	default: break;  // sockets are in no archive
	}
}

static void write_child(struct layer_writer *w, int dir, const char *name)
{
	size_t len = w->tar.name_len;
	struct stat st;

	if (strncmp(name, WHITEOUT, strlen(WHITEOUT)) == 0 || !append(&w->tar, name))
		return;
	if (w->is_upper && layer_is_hidden(w->view, w->tar.name)) {
		cut(&w->tar, len);
		return;
	}
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno != ENOENT)
			w->tar.error = errno;
	} else if (w->is_upper && layer_is_whiteout(&st)) {
		cut(&w->tar, len);
		write_mark(&w->tar, WHITEOUT, name);
	} else {
		write_entry(w, dir, name, &st);
	}
	cut(&w->tar, len);
}

static void write_children(struct layer_writer *w, int fd)
{
	struct layer_names names = { 0 };

	if (layer_names_read(fd, &names) != 0)
		w->tar.error = errno;
	for (size_t i = 0; i < names.count && w->tar.error == 0; i++)
		write_child(w, fd, names.items[i]);
	layer_names_free(&names);
}

// Owner, mode and attributes of the root itself, where they are the archive's to say.
static void write_root(struct layer_writer *w)
{
	int fd = w->is_upper ? w->view->upper : w->view->lower;
	struct stat upper, lower;

	if (fstat(w->view->upper, &upper) != 0 || fstat(w->view->lower, &lower) != 0) {
		w->tar.error = errno;
		return;
	}
	if (w->is_upper && upper.st_mode == lower.st_mode && upper.st_uid == lower.st_uid &&
	    upper.st_gid == lower.st_gid)
		return;
	if (append(&w->tar, "./")) {
		tar_write_xattrs(&w->tar, fd);
		tar_write_header(&w->tar, TAR_FOLDER, w->is_upper ? &upper : &lower, 0, "");
	}
	cut(&w->tar, 0);
}

static int write_part(struct layer_writer *w, bool is_upper)
{
	w->is_upper = is_upper;
	write_root(w);
	if (w->tar.error == 0)
		write_children(w, is_upper ? w->view->upper : w->view->lower);
	return tar_write_end(&w->tar);
}

int layer_commit(const struct layer_view *view, int out)
{
	struct layer_writer *w = calloc(1, sizeof(*w));
	int error = ENOMEM;

	if (w != NULL) {
		w->tar.out = out;
		w->tar.is_framed = true;
		w->view = view;
		error = write_part(w, false);
		if (error == 0)
			error = write_part(w, true);
	}
	free(w);
	return archive_status_of(error);
}

// The bytes of the image's archive; 0, with an error.
static uint64_t measure(struct layer_writer *w)
{
	uint64_t total = 0;

	w->tar.only_counts = true;
	if (write_part(w, false) == 0)
		total = w->tar.total;
	w->tar.only_counts = false;
	return total;
}

int layer_save(const struct layer_view *view, int out)
{
	struct layer_writer *w = calloc(1, sizeof(*w));
	char size[24];
	int error = ENOMEM;

	if (w != NULL) {
		w->tar.out = out;
		w->tar.is_framed = true;
		w->view = view;
		snprintf(size, sizeof(size), "%llu", (unsigned long long)measure(w));
		error = w->tar.error;
	}
	if (w != NULL && error == 0) {
		tar_write_bytes(&w->tar, size, strlen(size));
		tar_write_part_end(&w->tar);
		error = write_part(w, false);
	}
	free(w);
	return archive_status_of(error);
}

// A path of 4095 bytes may have 2048 names, each with an open folder. What this process uses has no
// limit but the guest's memory, so it is the first to end for want of it.
static void prepare(void)
{
	static const struct procfs_setting settings[] = { { "self/oom_score_adj", "1000" } };
	const struct rlimit files = { 8192, 8192 };

	procfs_write(settings, 1);
	(void)setrlimit(RLIMIT_NOFILE, &files);
}

int layer_run(char *const words[], int out)
{
	const char *what = words[0];
	struct layer_view view = {
		.upper = open(ROOTFS_UPPER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
		.lower = open(ROOTFS_LOWER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
	};

	if (view.upper < 0 || view.lower < 0 || what == NULL)
		return ARCHIVE_FAILED;
	view.hidden = words + 1;
	prepare();
	if (strcmp(what, "changes") == 0)
		return layer_changes(&view, out);
	if (strcmp(what, "save") == 0)
		return layer_save(&view, out);
	return strcmp(what, "commit") == 0 ? layer_commit(&view, out) : ARCHIVE_FAILED;
}
