// SPDX-License-Identifier: MIT
//
// The app on libs/ext4 and an image that mke2fs makes: random operations against a model, with
// deaths of the app in the midst of them, and e2fsck as the judge of what is left.
#include "apps/fs/fs_image_fixture.h"

#define DIRECT_AT (EXT4_BLOCK_SIZE - 80u)
#define NAMES 12u
#define MAX_BYTES (96u * 1024)

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_without_deaths), TEST(test_deaths),
		                            TEST(test_truncate_is_finished) };

	return cmocka_run_group_tests(tests, make_image, remove_image);
}
