// SPDX-License-Identifier: MIT
//
// Archives of hostile origin for `docker load`, made from the input or as they are. Only finished
// images may be in the folder afterwards.
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
#include "tools/image/tree/layer_test_tar.h"
#include "tools/system/incoming.h"
#include "tools/system/load.h"
#include "tools/system/report.h"

#define ROOM 65536
#define MAX_SIZE 8192
// Of the empty file.
#define EMPTY_BLOB "blobs/sha256/" EMPTY
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {
	"index.json",       "manifest.json", "oci-layout",
	"c.json",           "./c.json",      "one/layer.tar",
	"two/layer.tar",    (EMPTY_BLOB),    "blobs/sha256/../../x",
	"../index.json",    "/index.json",   "blobs/sha256",
	"../one/layer.tar", "\xff\xfe",      "",
};

static const char *const contents[] = {
	"{\"manifests\":[{\"digest\":\"sha256:" EMPTY "\"}]}",
	"[{\"Config\":\"c.json\",\"RepoTags\":[\"a:1\"],\"Layers\":[]}]",
	"[{\"Config\":\"c.json\",\"RepoTags\":[\"a:1\",3],\"Layers\":[\"one/layer.tar\"]}]",
	"[{\"Config\":\"./c.json\",\"Layers\":[\"two/layer.tar\",\"one/layer.tar\"]},{},[],null]",
	"{\"architecture\":\"riscv64\",\"os\":\"linux\",\"rootfs\":{\"diff_ids\":[]}}",
	"{\"architecture\":\"riscv64\",\"rootfs\":{\"diff_ids\":[\"sha256:" EMPTY "\"]}}",
	"{\"architecture\":\"riscv64\",\"rootfs\":{\"diff_ids\":[]},\"config\":{\"Env\":3}}",
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

static void check_folder(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;

	while ((entry = readdir(directory))) {
		const char *dot = strrchr(entry->d_name, '.');

		if (entry->d_name[0] != '.' && strcmp(entry->d_name, INCOMING_WORK) != 0 &&
		    (!dot || (strcmp(dot, ".img") != 0 && strcmp(dot, ".json") != 0)))
			abort();
	}
	closedir(directory);
}

static void try_file(int file)
{
	char folder[] = "/tmp/load_fuzz.XXXXXX";
	char work[sizeof(folder) + sizeof("/" INCOMING_WORK)];
	struct error err;

	if (!mkdtemp(folder))
		return;
	snprintf(work, sizeof(work), "%s/" INCOMING_WORK, folder);
	if (directory_create(work, &err) == 0) {
		lseek(file, 0, SEEK_SET);
		load(file, folder, &err);
		check_folder(folder);
	}
	directory_remove(folder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *nowhere;
	struct test_tar tar;
	int file = memfd_create("archive", MFD_CLOEXEC);

	log_quiet();
	if (!nowhere)
		nowhere = fopen("/dev/null", "we");
	report_to(nowhere);
	if (size < 2 || size > MAX_SIZE || file < 0) {
		close(file);
		return 0;
	}
	if (data[0] & 1) {
		(void)!write(file, data + 1, size - 1);
	} else {
		test_tar_open(&tar, ROOM);
		entries_make(&tar, data + 1, size - 1);
		test_tar_close(&tar);
		(void)!write(file, tar.bytes, tar.size);
		free(tar.bytes);
	}
	try_file(file);
	close(file);
	return 0;
}
