// SPDX-License-Identifier: MIT
#include "tools/run/qemu/boot_disk_file.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libs/abi/web.h"

#define BLOCK_SIZE 65536
#define SECTOR_SIZE 512

static int write_failed(struct archive *archive, const char *path, struct error *err)
{
	return error_set(err, "cannot write the boot disk %s: %s", path,
	                 archive_error_string(archive));
}

static int content_write(struct archive *archive, const char *disk, const char *path, int fd,
                         off_t size, struct error *err)
{
	static char block[BLOCK_SIZE];

	while (size > 0) {
		ssize_t length = read(fd, block, size < BLOCK_SIZE ? (size_t)size : BLOCK_SIZE);

		if (length < 0 && errno == EINTR)
			continue;
		if (length <= 0)
			return error_set_errno(err, length < 0 ? errno : EIO, "cannot read %s",
			                       path);
		if (archive_write_data(archive, block, (size_t)length) != length)
			return write_failed(archive, disk, err);
		size -= length;
	}
	return 0;
}

static int entry_write(struct archive *archive, const char *disk, const char *name,
                       const char *path, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct archive_entry *entry;
	struct stat stat;
	int result;

	if (fd < 0)
		return error_set_errno(err, errno, "cannot open %s, which the boot disk needs",
		                       path);
	if (fstat(fd, &stat) < 0 || !S_ISREG(stat.st_mode)) {
		close(fd);
		return error_set(err, "%s is not a file", path);
	}
	entry = archive_entry_new();
	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_size(entry, stat.st_size);
	archive_entry_set_mtime(entry, 0, 0);
	result = archive_write_header(archive, entry) == ARCHIVE_OK
		? 0
		: write_failed(archive, disk, err);
	archive_entry_free(entry);
	if (result == 0)
		result = content_write(archive, disk, path, fd, stat.st_size, err);
	close(fd);
	return result;
}

static int secret_write(struct archive *archive, const char *disk, const struct boot_secret *secret,
                        struct error *err)
{
	struct archive_entry *entry = archive_entry_new();
	int result = 0;

	archive_entry_set_pathname(entry, secret->name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0600);
	archive_entry_set_size(entry, (la_int64_t)secret->size);
	archive_entry_set_mtime(entry, 0, 0);
	if (archive_write_header(archive, entry) != ARCHIVE_OK ||
	    archive_write_data(archive, secret->bytes, secret->size) != (la_ssize_t)secret->size)
		result = write_failed(archive, disk, err);
	archive_entry_free(entry);
	return result;
}

int boot_disk_write(const char *path, const struct boot_files *files, struct error *err)
{
	struct archive *archive = archive_write_new();
	int result = -1;
	int fd;

	if (!archive)
		return error_set(err, "out of memory");
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0) {
		error_set_errno(err, errno, "cannot make the boot disk %s", path);
		goto out_free;
	}
	if (archive_write_set_format_ustar(archive) != ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(archive, SECTOR_SIZE * 8) != ARCHIVE_OK ||
	    archive_write_open_fd(archive, fd) != ARCHIVE_OK) {
		write_failed(archive, path, err);
		goto out_free;
	}
	// First: who looks for them reads no further.
	for (unsigned i = 0; i < files->num_secrets; i++)
		if (secret_write(archive, path, &files->secrets[i], err) < 0)
			goto out_free;
	if ((files->page && entry_write(archive, path, WEB_PAGE_FILE, files->page, err) < 0) ||
	    (files->app && entry_write(archive, path, "vmm.app", files->app, err) < 0) ||
	    entry_write(archive, path, "images.json", files->images, err) < 0 ||
	    (files->config && entry_write(archive, path, "config.json", files->config, err) < 0) ||
	    entry_write(archive, path, "kernel", files->kernel, err) < 0 ||
	    entry_write(archive, path, "initramfs.cpio", files->initramfs, err) < 0 ||
	    entry_write(archive, path, "builtin.json", files->builtin, err) < 0)
		goto out_free;
	result = archive_write_close(archive) == ARCHIVE_OK ? 0 : write_failed(archive, path, err);
out_free:
	archive_write_free(archive);
	if (fd >= 0)
		close(fd);
	return result;
}
