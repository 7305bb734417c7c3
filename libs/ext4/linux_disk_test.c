// SPDX-License-Identifier: MIT
//
// Reads disks that mke2fs -d has filled, and compares all with the folder on the host.
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "libs/abi/linux_error.h"
#include "libs/ext4/volume_fake.h"

static struct volume v;

struct names {
	uint32_t count;
	uint64_t next;
	uint32_t limit;
	char last[256];
};

static bool count_name(void *context, struct span name, uint32_t inode, uint8_t type, uint64_t next)
{
	struct names *names = context;

	(void)inode;
	(void)type;
	memcpy(names->last, name.data, name.len);
	names->last[name.len] = '\0';
	names->next = next;
	return ++names->count < names->limit;
}

// Lists a folder in steps of a few entries.
static uint32_t count_entries(struct ext4_node dir)
{
	uint32_t total = 0;
	uint64_t position = 0;

	for (;;) {
		struct names names;

		assert_int_equal(
			VOLUME_RUN(&v, 0,
		                   (names = (struct names){ .limit = 7 },
		                    ext4_readdir(&v.u, dir, position, count_name, &names))),
			0);
		if (names.count == 0)
			return total;
		total += names.count;
		position = names.next;
	}
}

static void compare_file(const char *path, const struct ext4_attr *attr)
{
	FILE *file = fopen(path, "rb");
	uint8_t bytes[4096];
	size_t len;

	for (uint32_t block = 0; (len = fread(bytes, 1, sizeof(bytes), file)) > 0; block++) {
		struct ext4_run run;
		const uint8_t zeroes[4096] = { 0 };

		assert_int_equal(VOLUME_RUN(&v, 0, ext4_map(&v.u, attr->node, block, 1, &run)), 0);
		assert_memory_equal(run.disk == 0 || run.unwritten
		                            ? zeroes
		                            : v.disk->bytes + run.disk * EXT4_BLOCK_SIZE,
		                    bytes, len);
	}
	fclose(file);
}

static void compare_tree(const char *path, struct ext4_node node)
{
	DIR *dir = opendir(path);
	const struct dirent *e;
	uint32_t count = 0;

	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL) {
		char child[4200];
		struct ext4_attr attr;
		struct stat st;

		count++;
		snprintf(child, sizeof(child), "%s/%s", path, e->d_name);
		assert_int_equal(
			VOLUME_RUN(&v, 0, ext4_lookup(&v.u, node, text_span(e->d_name), &attr)), 0);
		assert_int_equal(lstat(child, &st), 0);
		if (e->d_name[0] == '.' && (e->d_name[1] == '\0' || e->d_name[1] == '.'))
			continue;
		assert_int_equal(attr.mode, st.st_mode);
		assert_int_equal(attr.uid, st.st_uid);
		assert_int_equal(attr.mtime.seconds, st.st_mtim.tv_sec);
		if (S_ISDIR(st.st_mode)) {
			compare_tree(child, attr.node);
			continue;
		}
		assert_int_equal(attr.links, st.st_nlink);
		assert_int_equal(attr.size, st.st_size);
		if (S_ISREG(st.st_mode))
			compare_file(child, &attr);
		if (S_ISLNK(st.st_mode)) {
			uint8_t target[EXT4_BLOCK_SIZE];
			char expected[EXT4_BLOCK_SIZE];
			size_t len;

			assert_int_equal(
				VOLUME_RUN(&v, 0, ext4_readlink(&v.u, attr.node, target, &len)), 0);
			assert_int_equal(len, readlink(child, expected, sizeof(expected)));
			assert_memory_equal(target, expected, len);
		}
	}
	closedir(dir);
	count += strcmp(path, "/dev/shm/starina-linux-disk") == 0;  // lost+found
	assert_int_equal(count_entries(node), count);
}

#define SOURCE "/dev/shm/starina-linux-disk"

static void make_source(void)
{
	assert_int_equal(
		system("rm -rf " SOURCE " && mkdir -p " SOURCE " && cd " SOURCE
	               " && mkdir few many deep deep/er && seq 1 3000 | sed 's,^,many/a name ,'"
	               " | xargs -d '\\n' touch && seq 1 9 | sed 's,^,few/,' | xargs touch"
	               " && head -c 3000000 /dev/urandom > deep/er/random && ln deep/er/random hard"
	               " && truncate -s 50G sparse && echo end >> deep/er/holes"
	               " && for i in 1 3 5 7 9 11 13; do dd if=/dev/urandom of=deep/er/holes"
	               " bs=4096 seek=$((i * 100)) count=3 conv=notrunc status=none; done"
	               " && ln -s short link && ln -s $(printf '%0200d' 7) long"
	               " && rm sparse && touch -d 2030-01-01 future"),
		0);
}

static void what_mke2fs_makes_is_read(void **state)
{
	static const char *const arguments[] = {
		"-t ext4 -b 4096 -d " SOURCE " $f",
		"-t ext4 -b 4096 -I 256 -J size=32 -d " SOURCE " $f",
		"-t ext4 -b 4096 -O ^dir_index -d " SOURCE " $f",
		"-t ext4 -b 4096 -g 4096 -d " SOURCE " $f",
	};

	(void)state;
	make_source();
	for (size_t i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++) {
		volume_create(&v, 1u << 15, arguments[i]);
		compare_tree(SOURCE, (struct ext4_node){ EXT4_ROOT_INODE, 0 });
		volume_unmount_and_check(&v);
		// e2fsck -D gives folders their index.
		assert_in_range(
			device_fake_command(v.disk, "e2fsck -fyD $f >/dev/null 2>&1", NULL, 0), 0,
			1);
		volume_mount(&v);
		compare_tree(SOURCE, (struct ext4_node){ EXT4_ROOT_INODE, 0 });
		volume_destroy(&v);
	}
	assert_int_equal(system("rm -rf " SOURCE), 0);
}

static void unknown_features_are_refused_by_name(void **state)
{
	static const struct {
		const char *arguments;
		const char *word;
	} rows[] = {
		{ "-t ext4 -b 4096 -O ^metadata_csum $f", "metadata_csum" },
		{ "-t ext4 -b 4096 -O inline_data $f", "inline_data" },
		{ "-t ext4 -b 4096 -O encrypt $f", "encrypt" },
		{ "-t ext4 -b 4096 -O bigalloc $f", "bigalloc" },
		{ "-t ext4 -b 4096 -O quota $f", "quota" },
		{ "-t ext4 -b 4096 -O casefold $f", "casefold" },
		{ "-t ext4 -b 4096 -O ea_inode $f", "ea_inode" },
		{ "-t ext4 -b 4096 -O large_dir $f", "large_dir" },
		{ "-t ext4 -b 4096 -O orphan_file $f", "orphan_file" },
		{ "-t ext4 -b 4096 -O fast_commit $f", "fast_commit" },
		{ "-t ext4 -b 4096 -O mmp $f", "mmp" },
		{ "-t ext4 -b 4096 -O verity $f", "verity" },
		{ "-t ext4 -b 4096 -O project $f", "project" },
		{ "-t ext4 -b 1024 $f", "4096" },
		{ "-t ext2 $f", "extent" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct device_fake *disk = device_fake_create(1u << 14, NULL, 1);
		struct ext4_options options = { .device = &disk->device,
			                        .cache_blocks = EXT4_CACHE_MIN };
		struct ext4 *fs;
		char command[200], why[200];

		snprintf(command, sizeof(command), "mke2fs -q -F %s >/dev/null 2>&1",
		         rows[i].arguments);
		if (device_fake_command(disk, command, NULL, 0) == 0) {
			assert_int_equal(ext4_mount(&options, &fs, why, sizeof(why)),
			                 -LINUX_EINVAL);
			if (strstr(why, rows[i].word) == NULL)
				fail_msg("%s: %s", rows[i].arguments, why);
		}
		device_fake_destroy(disk);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_mke2fs_makes_is_read),
		cmocka_unit_test(unknown_features_are_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
