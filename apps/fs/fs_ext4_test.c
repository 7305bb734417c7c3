// SPDX-License-Identifier: MIT
//
// The app on libs/ext4 and an image that mke2fs makes: random operations against a model, with
// deaths of the app in the midst of them, and e2fsck as the judge of what is left.
#include "apps/fs/fs_fixture.h"

#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

#define KEY 77u
#define DIRECT_AT (EXT4_BLOCK_SIZE - 80u)
// Of the clock: a time of deletion near to 0 is something else to ext4.
#define NOW 1000000000ull
#define NAMES 12u
#define MAX_BYTES (96u * 1024)
#define FEATURES "-O ^resize_inode,metadata_csum,64bit,^orphan_file -E lazy_itable_init=0 -J size=4"

static char image[] = "/tmp/fs_ext4_test.XXXXXX";
static handle_t session;
static uint64_t volume;
static uint32_t num_deaths;

// --- The image -----------------------------------------------------------------------------------

static int command(const char *format)
{
	char line[512];

	(void)snprintf(line, sizeof(line), format, image);
	return system(line);
}

static void image_move(bool to_file)
{
	FILE *file = fopen(image, to_file ? "wb" : "rb");
	size_t moved;

	assert_non_null(file);
	moved = to_file ? fwrite(disk_image, 1, sizeof(disk_image), file)
			: fread(disk_image, 1, sizeof(disk_image), file);
	assert_int_equal(moved, sizeof(disk_image));
	fclose(file);
}

static int make_image(void **state)
{
	int fd = mkstemp(image);

	(void)state;
	return fd < 0 || ftruncate(fd, sizeof(disk_image)) != 0 || close(fd) != 0;
}

static int remove_image(void **state)
{
	(void)state;
	return unlink(image);
}

static int setup(void **state)
{
	(void)state;
	fake_reset();
	fake_time_pass(NOW * NSEC_PER_SEC);
	assert_int_equal(command("/sbin/mke2fs -q -F -t ext4 -b 4096 -I 256 " FEATURES " %s"), 0);
	image_move(false);
	app_begin();
	app_start();
	session = open_share(FILES_VOLUMES);
	assert_int_not_equal(session, HANDLE_NONE);
	send_key(session, KEY);
	assert_int_equal(init_session(session, ~0u), 0);
	assert_int_equal(ask_mkdir(session, FUSE_ROOT_ID, "vol"), 0);
	volume = entry_node();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_close(&session);
	for (int i = 0; i < 100 && fs.state != FS_CLOSED; i++)
		settle();
	assert_int_equal(fs.state, FS_CLOSED);
	image_move(true);
	assert_int_equal(command("/sbin/e2fsck -fn %s >/dev/null 2>&1"), 0);
	return 0;
}

// --- Requests that deaths fall into --------------------------------------------------------------

static void dies(void)
{
	num_deaths++;
	app_dies();
	session = open_share(FILES_VOLUMES);
	assert_int_not_equal(session, HANDLE_NONE);
	send_key(session, KEY);
	settle();
	assert_int_equal(fs.num_returned, 1);
}

static uint32_t deaths_in = 6;

static int ask_kept(struct request r)
{
	r.unique = last_unique[7] += FILES_MAX_REQUESTS;
	if (deaths_in > 0 && (uint32_t)rand() % deaths_in == 0) {
		request_send(session, &r);
		for (int turns = rand() % 12; turns > 0; turns--) {
			(void)loop_turn(&fs.loop, 0);
			if (rand() % 2 == 0)
				disk_serves();
		}
		dies();
	}
	return ask(session, r);
}

static int ask_two(uint32_t opcode, uint64_t node, const void *fixed, size_t fixed_len,
                   const char *name, const char *name2)
{
	return ask_kept((struct request){ .opcode = opcode,
	                                  .node = node,
	                                  .fixed = fixed,
	                                  .fixed_len = fixed_len,
	                                  .tail = name,
	                                  .tail_len = strlen(name) + 1,
	                                  .tail2 = name2,
	                                  .tail2_len = name2 == NULL ? 0 : strlen(name2) + 1 });
}

// --- The model: names, and files that some of them have ------------------------------------------

struct file {
	bool used;
	uint64_t node;
	uint64_t lookups;
	uint32_t names;
	uint32_t size;
	uint8_t bytes[MAX_BYTES];
};

static struct file files[NAMES];
static struct file *names[NAMES];
static uint8_t data[MAX_BYTES];

static const char *name_of(uint32_t i)
{
	static char text[8][64];
	static uint32_t next;
	char *name = text[next++ % 8];

	// Some of them are long.
	(void)snprintf(name, 64, "%c%s", 'a' + (char)i,
	               i % 3 == 0 ? "-with-a-name-that-is-rather-long" : "");
	return name;
}

static void name_lost(struct file *file)
{
	if (--file->names > 0)
		return;
	send_forget(session, file->node, file->lookups);
	file->used = false;
}

static void op_make(uint32_t i)
{
	struct fuse_create_in in = { .flags = 0x80, .mode = 0x81a4 };
	struct file *file = files;
	int result = ask_two(FUSE_CREATE, volume, &in, sizeof(in), name_of(i), NULL);

	if (names[i] != NULL) {
		assert_int_equal(result, -LINUX_EEXIST);
		return;
	}
	assert_int_equal(result, 0);
	while (file->used)
		file++;
	memset(file, 0, sizeof(*file));
	file->used = true;
	file->node = entry_node();
	file->lookups = 1;
	file->names = 1;
	names[i] = file;
}

static void op_remove(uint32_t i)
{
	int result = ask_two(FUSE_UNLINK, volume, NULL, 0, name_of(i), NULL);

	assert_int_equal(result, names[i] == NULL ? -LINUX_ENOENT : 0);
	if (names[i] == NULL)
		return;
	name_lost(names[i]);
	names[i] = NULL;
}

static void op_move(uint32_t i, uint32_t k)
{
	struct fuse_rename2_in in = { .newdir = volume };
	int result = ask_two(FUSE_RENAME2, volume, &in, sizeof(in), name_of(i), name_of(k));

	assert_int_equal(result, names[i] == NULL ? -LINUX_ENOENT : 0);
	if (names[i] == NULL || names[i] == names[k])
		return;
	if (names[k] != NULL)
		name_lost(names[k]);
	names[k] = names[i];
	names[i] = NULL;
}

static void op_link_to(uint32_t i, uint32_t k)
{
	struct fuse_link_in in;
	int result;

	if (names[i] == NULL)
		return;
	in.oldnodeid = names[i]->node;
	result = ask_two(FUSE_LINK, volume, &in, sizeof(in), name_of(k), NULL);
	assert_int_equal(result, names[k] == NULL ? 0 : -LINUX_EEXIST);
	if (names[k] != NULL)
		return;
	names[k] = names[i];
	names[i]->names++;
	names[i]->lookups++;
}

static void op_change(uint32_t i)
{
	struct file *file = names[i];
	struct fuse_write_in in = { .offset = (uint32_t)rand() % (MAX_BYTES / 2) };
	uint32_t offset = (uint32_t)in.offset;

	if (file == NULL)
		return;
	if (rand() % 2 == 0)
		offset &= ~4095u;
	in.offset = offset;
	in.size = 1 + (uint32_t)rand() % (MAX_BYTES / 2 - 1);
	for (uint32_t n = 0; n < in.size; n++)
		data[n] = (uint8_t)rand();
	assert_int_equal(ask_kept((struct request){ .opcode = FUSE_WRITE,
	                                            .node = file->node,
	                                            .fixed = &in,
	                                            .fixed_len = sizeof(in),
	                                            .tail = data,
	                                            .tail_len = in.size,
	                                            .at = rand() % 2 ? DIRECT_AT : 0 }),
	                 0);
	if (offset > file->size)
		memset(file->bytes + file->size, 0, offset - file->size);
	memcpy(file->bytes + offset, data, in.size);
	if (offset + in.size > file->size)
		file->size = offset + in.size;
}

static void op_cut(uint32_t i)
{
	struct fuse_setattr_in in = { .valid = FATTR_SIZE, .size = (uint32_t)rand() % MAX_BYTES };
	struct file *file = names[i];

	if (file == NULL)
		return;
	assert_int_equal(ask_kept((struct request){ .opcode = FUSE_SETATTR,
	                                            .node = file->node,
	                                            .fixed = &in,
	                                            .fixed_len = sizeof(in) }),
	                 0);
	if (in.size > file->size)
		memset(file->bytes + file->size, 0, in.size - file->size);
	file->size = (uint32_t)in.size;
}

static void op_mark(uint32_t i)
{
	struct fuse_setxattr_in in = { .size = 1 + (uint32_t)rand() % 100 };
	int result;

	if (names[i] == NULL)
		return;
	memset(data, 'x', in.size);
	result = ask_kept((struct request){ .opcode = FUSE_SETXATTR,
	                                    .node = names[i]->node,
	                                    .fixed = &in,
	                                    .fixed_len = sizeof(in),
	                                    .tail = "user.mark",
	                                    .tail_len = 10,
	                                    .tail2 = data,
	                                    .tail2_len = in.size });
	assert_int_equal(result, 0);
}

static void check(uint32_t i)
{
	struct file *file = names[i];

	assert_int_equal(ask_name(session, FUSE_LOOKUP, volume, name_of(i)), 0);
	assert_int_equal(entry_node(), file == NULL ? 0 : file->node);
	if (file == NULL)
		return;
	file->lookups++;
	assert_int_equal(ask_read(session, file->node, 0, FS_MAX_DATA), 0);
	assert_int_equal(answer.len, file->size);
	assert_memory_equal(answer.body, file->bytes, file->size);
}

static void change(void)
{
	uint32_t i = (uint32_t)rand() % NAMES, k = (uint32_t)rand() % NAMES;

	switch (rand() % 10) {
	case 0:
	case 1: op_make(i); break;
	case 2: op_remove(i); break;
	case 3: op_move(i, k); break;
	case 4: op_link_to(i, k); break;
	case 5: op_cut(i); break;
	case 6: op_mark(i); break;
	case 7:
		(void)ask(session, (struct request){ .opcode = FUSE_SYNCFS, .node = volume });
		break;
	default: op_change(i); break;
	}
	check(i);
	check(k);
}

static void run(unsigned seed, int steps)
{
	srand(seed);
	memset(files, 0, sizeof(files));
	memset(names, 0, sizeof(names));
	for (int i = 0; i < steps; i++) {
		change();
		if (rand() % 40 == 0) {
			fake_time_pass(6 * NSEC_PER_SEC);
			settle();
		}
	}
	for (uint32_t i = 0; i < NAMES; i++)
		check(i);
}

static void test_without_deaths(void **state)
{
	(void)state;
	deaths_in = 0;
	run(1, 600);
}

static void test_deaths(void **state)
{
	(void)state;
	deaths_in = 6;
	run(2, 600);
	assert_true(num_deaths >= 50);
}

// The first of the updates that cut a file after its first block.
static void cut_in_part(uint64_t node)
{
	struct ext4_attr attr;

	assert_int_equal(update_begin(&fs.update, fs.ext4, EXT4_CREDITS_TRUNCATE), 0);
	assert_int_equal(ext4_node_of(&fs.update, (uint32_t)node, &attr), 0);
	assert_int_equal(ext4_truncate(&fs.update, attr.node, EXT4_BLOCK_SIZE), UPDATE_MORE);
	update_commit(&fs.update, NULL);
}

// A truncate that the app died in is finished by the next one, before the file grows over what it
// left.
static void test_truncate_is_finished(void **state)
{
	static const uint8_t zeroes[EXT4_BLOCK_SIZE];
	const uint64_t last = 2 * 150 * (uint64_t)EXT4_BLOCK_SIZE;
	uint64_t node;

	(void)state;
	memset(data, 'x', EXT4_BLOCK_SIZE);
	assert_int_equal(ask_create(session, volume, "long"), 0);
	node = entry_node();
	for (uint64_t at = 0; at < last; at += 2 * EXT4_BLOCK_SIZE)
		assert_int_equal(ask_write(session, node, at, data, EXT4_BLOCK_SIZE, 0), 0);
	cut_in_part(node);
	dies();
	assert_int_equal(ask_write(session, node, last, data, EXT4_BLOCK_SIZE, 0), 0);
	for (uint64_t at = EXT4_BLOCK_SIZE; at < last; at += EXT4_BLOCK_SIZE) {
		assert_int_equal(ask_read(session, node, at, EXT4_BLOCK_SIZE), 0);
		assert_int_equal(answer.len, EXT4_BLOCK_SIZE);
		assert_memory_equal(answer.body, zeroes, EXT4_BLOCK_SIZE);
	}
}

// The inodes of a list are read from the disk together, for all is done again after that: in a
// folder of 300,000 files a list of one after the other took minutes.
static void test_inodes_of_a_list_are_read_together(void **state)
{
	struct fuse_read_in in = { .size = 32 * 1024 };
	char name[16];

	(void)state;
	for (int i = 0; i < 200; i++) {
		(void)snprintf(name, sizeof(name), "file%d", i);
		assert_int_equal(ask_create(session, volume, name), 0);
	}
	// Nothing is in memory after that.
	fake_close(&session);
	for (int i = 0; i < 100 && fs.state != FS_CLOSED; i++)
		settle();
	session = begin_session(FILES_VOLUMES);
	assert_int_equal(ask_name(session, FUSE_LOOKUP, FUSE_ROOT_ID, "vol"), 0);
	disk_rounds = 0;
	assert_int_equal(ask(session,
	                     (struct request){ .opcode = FUSE_READDIRPLUS,
	                                       .node = volume,
	                                       .fixed = &in,
	                                       .fixed_len = sizeof(in) }),
	                 0);
	assert_true(answer.len > 30 * 1024);
	// The folder's blocks, and 13 of inodes.
	assert_in_range(disk_rounds, 1, 6);
}

static int ask_setxattr(uint64_t node, const char *name)
{
	struct fuse_setxattr_in in = { .size = 1 };

	return ask(session,
	           (struct request){ .opcode = FUSE_SETXATTR,
	                             .node = node,
	                             .fixed = &in,
	                             .fixed_len = sizeof(in),
	                             .tail = name,
	                             .tail_len = strlen(name) + 1,
	                             .tail2 = "x",
	                             .tail2_len = 1 });
}

// Sets what `in` names; returns all attributes.
static struct fuse_attr set_attributes(uint64_t node, const struct fuse_setattr_in *in)
{
	struct fuse_attr_out out;

	assert_int_equal(ask(session,
	                     (struct request){ .opcode = FUSE_SETATTR,
	                                       .node = node,
	                                       .fixed = in,
	                                       .fixed_len = sizeof(*in) }),
	                 0);
	memcpy(&out, answer.body, sizeof(out));
	return out.attr;
}

// What Linux's own ext4 does.
static void test_names_and_times_at_the_edge(void **state)
{
	static const struct fuse_setattr_in in = { .valid = FATTR_ATIME | FATTR_MTIME,
		                                   .atime = (uint64_t)-5000000000,
		                                   .atimensec = 999999999,
		                                   .mtime = 1ull << 40,
		                                   .mtimensec = 8 };
	struct fuse_attr attr;
	uint64_t node;

	(void)state;
	assert_int_equal(ask_create(session, volume, "edge"), 0);
	node = entry_node();
	assert_int_equal(ask_setxattr(node, "user."), -LINUX_EINVAL);
	assert_int_equal(ask_setxattr(node, "security."), -LINUX_EINVAL);
	assert_int_equal(ask_setxattr(node, "user"), -LINUX_EOPNOTSUPP);
	assert_int_equal(ask_setxattr(node, "user.x"), 0);
	attr = set_attributes(node, &in);
	assert_true((int64_t)attr.atime == INT32_MIN && attr.atimensec == 0);
	assert_true(attr.mtime == 15032385535 && attr.mtimensec == 0);
}

// The mode of `node` after a chown by root: to user 7, or chown(-1, -1), which names nothing.
static uint32_t mode_given_away(uint64_t node, uint32_t valid)
{
	return set_attributes(node, &(struct fuse_setattr_in){ .valid = valid, .uid = 7 }).mode;
}

static void test_a_new_owner_takes_setuid_from_all_but_folders(void **state)
{
	static const uint32_t types[] = { LINUX_S_IFREG, 0x1000 };  // a FIFO
	static const char *const paths[] = { "a", "b", "c", "d" };
	struct fuse_mknod_in in = { 0 };
	struct fuse_mkdir_in folder = { .mode = 06755 };

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		in.mode = types[i % 2] | 06755;
		assert_int_equal(ask_two(FUSE_MKNOD, volume, &in, sizeof(in), paths[i], NULL), 0);
		assert_int_equal(mode_given_away(entry_node(), i < 2 ? FATTR_UID : 0),
		                 types[i % 2] | 0755);
	}
	assert_int_equal(ask_two(FUSE_MKDIR, volume, &folder, sizeof(folder), "e", NULL), 0);
	assert_int_equal(mode_given_away(entry_node(), FATTR_UID), LINUX_S_IFDIR | 06755);
}

static void test_nothing_is_made_in_a_folder_that_is_gone(void **state)
{
	struct fuse_create_in in = { .mode = 0x81a4 };
	uint64_t folder;

	(void)state;
	assert_int_equal(ask_mkdir(session, volume, "gone"), 0);
	folder = entry_node();
	assert_int_equal(ask_name(session, FUSE_RMDIR, volume, "gone"), 0);
	assert_int_equal(ask_create(session, folder, "file"), -LINUX_ENOENT);
	assert_int_equal(ask_two(FUSE_TMPFILE, folder, &in, sizeof(in), "", NULL), -LINUX_EPERM);
}

// A disk that nobody uses is as it was, byte by byte; one that was in use is clean again at once.
static void test_an_unused_disk_is_not_written(void **state)
{
	static uint8_t before[sizeof(disk_image)];

	(void)state;
	fake_close(&session);
	settle();
	assert_int_equal(fs.state, FS_CLOSED);
	memcpy(before, disk_image, sizeof(before));
	fs_open_ahead(&fs);
	settle();
	assert_int_equal(fs.state, FS_MOUNTED);
	fake_time_pass(10 * NSEC_PER_SEC);
	settle();
	assert_memory_equal(disk_image, before, sizeof(before));
	session = open_share(FILES_VOLUMES);
	assert_int_equal(init_session(session, ~0u), 0);
	assert_int_equal(ask_create(session, FUSE_ROOT_ID, "a"), 0);
	assert_memory_not_equal(disk_image, before, sizeof(before));
	memset(kept_memory, 0, KEPT_BYTES);
	app_dies();
	fs_open_ahead(&fs);
	settle();
	assert_int_equal(fs.state, FS_CLOSED);
	session = HANDLE_NONE;
}

// Whoever keeps files without names leaves the others as many, so that they can remove theirs.
static void test_files_without_names_are_shared_out(void **state)
{
	const struct fuse_create_in temporary = { .flags = 2, .mode = 0x8180 };
	handle_t other = begin_session(FILES_VOLUMES);
	uint64_t nodes[5];
	char name[] = "a";

	(void)state;
	fs.max_nameless = 8;
	assert_int_equal(ask_name(other, FUSE_LOOKUP, FUSE_ROOT_ID, "vol"), 0);
	for (size_t i = 0; i < 5; i++, name[0]++) {
		assert_int_equal(ask_create(session, volume, name), 0);
		nodes[i] = entry_node();
		assert_int_equal(ask_name(session, FUSE_UNLINK, volume, name),
		                 i < 4 ? 0 : -LINUX_ENFILE);
	}
	assert_int_equal(ask(session,
	                     (struct request){ .opcode = FUSE_TMPFILE,
	                                       .node = volume,
	                                       .fixed = &temporary,
	                                       .fixed_len = sizeof(temporary),
	                                       .tail = "#",
	                                       .tail_len = 2 }),
	                 -LINUX_ENFILE);
	// Another cannot make them more for it, either; its own it can remove.
	assert_int_equal(ask_name(other, FUSE_UNLINK, volume, "e"), -LINUX_ENFILE);
	assert_int_equal(ask_create(other, volume, "x"), 0);
	assert_int_equal(ask_name(other, FUSE_UNLINK, volume, "x"), 0);
	send_forget(session, nodes[0], 1);
	send_forget(session, nodes[1], 1);
	assert_int_equal(ask_name(other, FUSE_UNLINK, volume, "e"), 0);
	fake_close(&other);
	settle();
	assert_int_equal(fs.num_nameless, 3);
}

static void no_orphan(void *context, struct ext4_node node, bool named)
{
	(void)context;
	(void)named;
	fail_msg("inode %u is left", node.inode);
}

// The session has many files without a name.
static void make_many(void)
{
	char name[16];

	for (uint32_t i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "many%u", i);
		assert_int_equal(ask_create(session, volume, name), 0);
		assert_int_equal(ask_name(session, FUSE_UNLINK, volume, name), 0);
	}
	assert_int_equal(fs.num_nameless, 200);
}

// They are freed a few at a time, whatever leaves them: each that is being freed takes memory.
static void test_many_files_are_freed(void **state)
{
	(void)state;
	make_many();
	session_forget_all(container_of(fs.sessions.next, struct session, entry));
	assert_int_equal(fs.num_releases, 200);
	assert_true(fs.num_calls > 0 && fs.num_calls < 100);
	calls_run(&fs);
	settle();
	assert_int_equal(fs.num_releases, 0);
	assert_int_equal(fs.num_calls, 0);
	ext4_orphans(fs.ext4, no_orphan, NULL);
}

// Those that were not freed before a death are freed after it, and none twice: e2fsck looks.
static void test_a_death_while_many_files_are_freed(void **state)
{
	(void)state;
	make_many();
	session_forget_all(container_of(fs.sessions.next, struct session, entry));
	for (int i = 0; i < 1000 && fs.num_releases > 100; i++) {
		calls_run(&fs);
		(void)loop_turn(&fs.loop, 0);
		disk_serves();
	}
	assert_true(fs.num_releases > 0 && fs.num_releases <= 100);
	dies();
	assert_int_equal(ask_name(session, FUSE_LOOKUP, FUSE_ROOT_ID, "vol"), 0);
	assert_int_equal(fs.num_releases, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_without_deaths),
		TEST(test_deaths),
		TEST(test_truncate_is_finished),
		TEST(test_inodes_of_a_list_are_read_together),
		TEST(test_names_and_times_at_the_edge),
		TEST(test_a_new_owner_takes_setuid_from_all_but_folders),
		TEST(test_nothing_is_made_in_a_folder_that_is_gone),
		TEST(test_files_without_names_are_shared_out),
		TEST(test_many_files_are_freed),
		TEST(test_a_death_while_many_files_are_freed),
		TEST(test_an_unused_disk_is_not_written)
	};

	return cmocka_run_group_tests(tests, make_image, remove_image);
}
