// SPDX-License-Identifier: MIT
//
// Image files of hostile origin: archives of `docker save` and OCI ones, made from the input or as
// they are. Nothing but a layout's files may come out.
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/common/log.h"
#include "tools/common/workdir.h"
#include "tools/image/source/archive_file.h"
#include "tools/image/source/docker_archive.h"
#include "tools/image/source/oci.h"
#include "tools/image/tree/layer_test_tar.h"

#define ROOM 65536
#define MAX_SIZE 8192
#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {
	"index.json",
	"manifest.json",
	"oci-layout",
	"c.json",
	"./c.json",
	"blobs/sha256/" HEX,
	"blobs/sha512/" HEX HEX,
	"blobs/sha256/../../x",
	"../index.json",
	"/index.json",
	"blobs/sha256",
	"blobs/",
	"blobs/sha",
	"",
};

static const char *const contents[] = {
	"{\"manifests\":[{\"digest\":\"sha256:" HEX "\"}]}",
	"[{\"Config\":\"c.json\",\"RepoTags\":[\"a:1\"],\"Layers\":[]}]",
	"[{\"Config\":\"c.json\",\"RepoTags\":[\"a:1\"]},{\"Config\":\"./c.json\",\"RepoTags\":[\"b\"]}]",
	"{\"architecture\":\"riscv64\",\"os\":\"linux\"}",
	"{}",
	"[]",
	"",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void entries_make(struct test_tar *tar, const uint8_t *data, size_t size)
{
	static const mode_t types[] = { S_IFREG, S_IFREG, S_IFREG, S_IFLNK, 0, S_IFDIR };

	for (size_t i = 0; i + 4 <= size && i < 64; i += 4)
		test_tar_add(tar, names[data[i] % COUNT(names)],
		             types[data[i + 1] % COUNT(types)] | 0644,
		             names[data[i + 2] % COUNT(names)],
		             contents[data[i + 3] % COUNT(contents)]);
}

static void extract(const char *path, const char *scratch)
{
	struct oci_layout layout;
	struct oci_image image;
	struct error err;
	char *extracted = archive_file_extract(path, "input", scratch, &err);
	if (extracted && oci_open(&layout, extracted, "input", &err) == 0) {
		if (oci_select(&layout, NULL, &image, &err) == 0)
			oci_image_deinit(&image);
		oci_close(&layout);
	}
	free(extracted);
}

// Only the layout is in `scratch`, and what is beside it is as it was.
static void check_scratch(const char *scratch)
{
	DIR *directory = opendir(scratch);
	struct dirent *entry;

	while ((entry = readdir(directory)))
		if (strcmp(entry->d_name, "layout") != 0 && entry->d_name[0] != '.')
			abort();
	closedir(directory);
}

static void try_file(const char *path)
{
	char scratch[] = "/tmp/archive_fuzz.XXXXXX";
	enum archive_kind kind;
	struct error err;
	bool compressed;

	if (archive_file_detect(path, &kind, &compressed, &err) < 0)
		return;
	docker_archive_choose(path, "input", NULL, &err);
	docker_archive_choose(path, "input", "a", &err);
	if (kind != ARCHIVE_OCI || !mkdtemp(scratch))
		return;
	extract(path, scratch);
	check_scratch(scratch);
	directory_remove(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct test_tar tar;
	char path[64];
	int file = memfd_create("archive", MFD_CLOEXEC);

	log_quiet();
	if (size < 2 || size > MAX_SIZE || file < 0) {
		close(file);
		return 0;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	if (data[0] & 1) {
		(void)!write(file, data + 1, size - 1);
	} else {
		test_tar_open(&tar, ROOM);
		entries_make(&tar, data + 1, size - 1);
		test_tar_close(&tar);
		(void)!write(file, tar.bytes, tar.size);
		free(tar.bytes);
	}
	try_file(path);
	close(file);
	return 0;
}
