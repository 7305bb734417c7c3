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

// What debugfs sets is read, what we set debugfs reads; in the inode, and in the block.
static void attributes_are_those_of_debugfs(void **state)
{
	char value[200], output[20000];
	struct ext4_new what = { .mode = 0100644 };
	struct ext4_node root = { EXT4_ROOT_INODE, 0 };
	struct ext4_attr attr;
	size_t len;

	(void)state;
	volume_create(&v, 1u << 13, "-t ext4 -b 4096 -J size=4 $f");
	assert_int_equal(VOLUME_RUN(&v, EXT4_CREDITS_NAMES,
	                            ext4_create(&v.u, root, text_span("a"), &what, &attr)),
	                 0);
	memset(value, 'v', sizeof(value));
	assert_int_equal(VOLUME_RUN(&v, EXT4_CREDITS_XATTR,
	                            ext4_setxattr(&v.u, attr.node, text_span("user.ours"),
	                                          text_span("short"), 0)),
	                 0);
	assert_int_equal(VOLUME_RUN(&v, EXT4_CREDITS_XATTR,
	                            ext4_setxattr(&v.u, attr.node, text_span("trusted.long"),
	                                          (struct span){ (uint8_t *)value, 200 }, 0)),
	                 0);
	volume_unmount_and_check(&v);
	assert_int_equal(device_fake_command(v.disk,
	                                     "debugfs -R 'ea_get a user.ours' $f; "
	                                     "debugfs -R 'ea_get a trusted.long' $f; "
	                                     "debugfs -w -R 'ea_set a user.theirs theirs' $f; "
	                                     "debugfs -w -R 'ea_set a security.x y' $f",
	                                     output, sizeof(output)),
	                 0);
	assert_non_null(strstr(output, "\"short\""));
	assert_non_null(strstr(output, "\"vvvvvvvv"));
	volume_mount(&v);
	assert_int_equal(VOLUME_RUN(&v, 0,
	                            (len = sizeof(value),
	                             ext4_getxattr(&v.u, attr.node, text_span("user.theirs"),
	                                           (uint8_t *)value, &len))),
	                 0);
	assert_int_equal(len, 6);
	assert_memory_equal(value, "theirs", 6);
	assert_int_equal(VOLUME_RUN(&v, EXT4_CREDITS_XATTR,
	                            ext4_removexattr(&v.u, attr.node, text_span("security.x"))),
	                 0);
	assert_int_equal(VOLUME_RUN(&v, EXT4_CREDITS_XATTR,
	                            ext4_setxattr(&v.u, attr.node, text_span("user.ours"),
	                                          text_span("2"), EXT4_XATTR_CREATE)),
	                 -LINUX_EEXIST);
	assert_int_equal(VOLUME_RUN(&v, EXT4_CREDITS_XATTR,
	                            ext4_setxattr(&v.u, attr.node, text_span("system.other"),
	                                          text_span("2"), 0)),
	                 -LINUX_EOPNOTSUPP);
	volume_destroy(&v);
}

static void acls_have_ext4s_form_on_the_disk(void **state)
{
	// A version, then tags, permissions and ids: the owner, the user 7, the group, a mask,
	// others.
	static const uint8_t acl[] = { 2,   0,   0,   0,    1,   0,   7,    0,   255, 255, 255,
		                       255, 2,   0,   5,    0,   7,   0,    0,   0,   4,   0,
		                       5,   0,   255, 255,  255, 255, 0x10, 0,   7,   0,   255,
		                       255, 255, 255, 0x20, 0,   4,   0,    255, 255, 255, 255 };
	struct ext4_new what = { .mode = 0100644 };
	char output[2000];
	struct ext4_attr attr;
	uint8_t read[100];
	size_t len;

	(void)state;
	volume_create(&v, 1u << 13, "-t ext4 -b 4096 -J size=4 $f");
	assert_int_equal(VOLUME_RUN(&v, EXT4_CREDITS_NAMES,
	                            ext4_create(&v.u, (struct ext4_node){ EXT4_ROOT_INODE, 0 },
	                                        text_span("a"), &what, &attr)),
	                 0);
	assert_int_equal(
		VOLUME_RUN(&v, EXT4_CREDITS_XATTR,
	                   ext4_setxattr(&v.u, attr.node, text_span("system.posix_acl_access"),
	                                 (struct span){ acl, sizeof(acl) }, 0)),
		0);
	assert_int_equal(
		VOLUME_RUN(&v, EXT4_CREDITS_XATTR,
	                   ext4_setxattr(&v.u, attr.node, text_span("system.posix_acl_access"),
	                                 (struct span){ acl, sizeof(acl) - 1 }, 0)),
		-LINUX_EINVAL);
	volume_unmount_and_check(&v);
	assert_int_equal(
		device_fake_command(v.disk, "debugfs -R 'ea_list a' $f", output, sizeof(output)),
		0);
	// A version, four entries of 4 bytes and one of 8.
	assert_non_null(strstr(output, "system.posix_acl_access (28)"));
	volume_mount(&v);
	assert_int_equal(
		VOLUME_RUN(&v, 0,
	                   (len = sizeof(read),
	                    ext4_getxattr(&v.u, attr.node, text_span("system.posix_acl_access"),
	                                  read, &len))),
		0);
	assert_int_equal(len, sizeof(acl));
	assert_memory_equal(read, acl, sizeof(acl));
	volume_destroy(&v);
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
		cmocka_unit_test(attributes_are_those_of_debugfs),
		cmocka_unit_test(acls_have_ext4s_form_on_the_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
