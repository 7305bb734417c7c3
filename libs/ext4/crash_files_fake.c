// SPDX-License-Identifier: MIT
#include "libs/ext4/crash_files_fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libs/abi/linux_error.h"
#include "libs/ext4/internal.h"

#define MODE_FILE 0100644u
#define MODE_FOLDER 040755u
#define MODE_LINK 0120777u
#define MODE_TYPE 0170000u
#define NAMES 10u

enum what {
	MAKE_FILE,
	MAKE_FOLDER,
	MAKE_LINK,
	UNLINK,
	RMDIR,
	RENAME,
	LINK,
	TRUNCATE,
	SET_XATTR,
	SET_MODE,
	PUNCH,
	RELEASE,
	EXTEND,
	NUM_WHATS
};

struct op {
	enum what what;
	uint32_t folder, new_folder;  // 0: the root, else the folder of this number
	uint32_t name, new_name;
	uint32_t value;
	struct ext4_node node;  // RELEASE, EXTEND
	const struct ext4_reservation *reservation;
	uint32_t block, count;
	struct ext4_node orphan;  // what lost its last name
};

static const struct ext4_node root = { .inode = EXT4_ROOT_INODE };
static uint8_t filler[EXT4_BLOCK_SIZE];

static struct span name_of(uint32_t number, char *buffer, size_t size)
{
	// Long ones among them, so that folders have several blocks.
	int len = number % 3 == 0 ? snprintf(buffer, size, "name-%u-%0200u", number, number)
				  : snprintf(buffer, size, "n%u", number);

	return (struct span){ .data = (const uint8_t *)buffer, .len = (size_t)len };
}

static int find_folder(struct update *u, uint32_t number, struct ext4_node *out)
{
	struct ext4_attr attr;
	char text[8];
	struct span name = { .data = (const uint8_t *)text };
	int status;

	*out = root;
	if (number == 0)
		return 0;
	name.len = (size_t)snprintf(text, sizeof(text), "d%u", number);
	status = ext4_lookup(u, root, name, &attr);
	*out = attr.node;
	return status;
}

static void note_orphan(struct op *op, const struct ext4_attr *attr)
{
	bool is_gone = attr->node.inode != 0 &&
		(attr->links == 0 ||
	         ((attr->mode & MODE_TYPE) == MODE_FOLDER - 0755u && attr->links < 2));

	op->orphan = is_gone ? attr->node : (struct ext4_node){ 0 };
}

static int make(struct update *u, const struct op *op, struct ext4_node folder, struct span name)
{
	struct ext4_new what = { .mode = op->what == MAKE_FILE     ? MODE_FILE
		                         : op->what == MAKE_FOLDER ? MODE_FOLDER
		                                                   : MODE_LINK };
	struct ext4_attr attr;

	if (op->what == MAKE_LINK)
		what.target = (struct span){ .data = filler, .len = 1 + op->value % 3000 };
	return ext4_create(u, folder, name, &what, &attr);
}

static int change(struct update *u, struct op *op, const struct ext4_attr *found)
{
	static const char xattr[] = "user.test";
	struct span name = { .data = (const uint8_t *)xattr, .len = sizeof(xattr) - 1 };
	struct span value = { .data = filler, .len = op->value % 3000 };
	struct ext4_attr attr = *found;
	bool is_file = (found->mode & MODE_TYPE) == (MODE_FILE & MODE_TYPE);

	switch (op->what) {
	case TRUNCATE:
		return is_file ? ext4_truncate(u, found->node, op->value % (found->size + 1))
			       : -LINUX_EINVAL;
	case SET_XATTR:
		// As with Linux no link has one; e2fsck leaks the block of a short link's.
		return (found->mode & MODE_TYPE) != (MODE_LINK & MODE_TYPE)
			? ext4_setxattr(u, found->node, name, value, 0)
			: -LINUX_EINVAL;
	case SET_MODE:
		attr.mode = (found->mode & MODE_TYPE) | (op->value & 0777);
		return ext4_setattr(u, found->node, EXT4_SET_MODE, &attr);
	case PUNCH:
		return is_file ? ext4_punch(u, found->node, op->value % 8, 1 + op->value % 5)
			       : -LINUX_EINVAL;
	default: return -LINUX_EINVAL;
	}
}

static int apply_names(struct update *u, struct op *op)
{
	char text[300], new_text[300];
	struct span name = name_of(op->name, text, sizeof(text));
	struct span new_name = name_of(op->new_name, new_text, sizeof(new_text));
	struct ext4_node folder, new_folder;
	struct ext4_attr attr, found;
	int status = find_folder(u, op->folder, &folder);

	if (status == 0)
		status = find_folder(u, op->new_folder, &new_folder);
	if (status != 0)
		return status;
	if (op->what <= MAKE_LINK)
		return make(u, op, folder, name);
	status = ext4_lookup(u, folder, name, &found);
	if (status != 0)
		return status;
	switch (op->what) {
	case UNLINK: status = ext4_unlink(u, folder, name, &attr); break;
	case RMDIR: status = ext4_rmdir(u, folder, name, &attr); break;
	case RENAME:
		status = ext4_rename(u, folder, name, new_folder, new_name, op->value % 3, &attr);
		break;
	case LINK: return ext4_link(u, found.node, new_folder, new_name, &attr);
	default: return change(u, op, &found);
	}
	if (status == 0)
		note_orphan(op, &attr);
	return status;
}

static int apply(struct files *f, struct update *u, struct op *op)
{
	struct ext4_attr attr = { .mtime = { .seconds = (int64_t)f->number + 1 } };
	uint64_t size = ((uint64_t)op->block + op->count) * EXT4_BLOCK_SIZE - op->value % 4096;
	int status;
	int stamped;

	op->orphan = (struct ext4_node){ 0 };
	if (op->what == RELEASE)
		status = ext4_release(u, op->node);
	else if (op->what == EXTEND)
		status = ext4_extend(u, op->node, op->block, op->reservation, op->count,
		                     op->value % 4 == 0, size);
	else
		status = apply_names(u, op);
	if (status != 0 && status != UPDATE_MORE)
		return status;
	stamped = ext4_setattr(u, root, EXT4_SET_MTIME, &attr);
	return stamped != 0 ? stamped : status;
}

// Lets requests complete, for an operation that waits.
static void wait_for(struct device_fake *disk)
{
	if (!device_fake_step(disk))
		abort();
}

static void committed(struct files *f)
{
	uint64_t number;

	f->number++;
	if (f->number >= FILES_MAX_UPDATES ||
	    !files_look(f->disk, f->fs, &number, &f->digests[f->number]) || number != f->number)
		abort();
}

// Runs one operation to its end. The digest is known before anybody else runs.
static int run(struct files *f, struct op *op)
{
	struct update *u = malloc(sizeof(*u));
	int status;

	do {
		status = update_begin(u, f->fs, 63);
		if (status == 0)
			status = apply(f, u, op);
		if (status == 0 || status == UPDATE_MORE) {
			update_commit(u, NULL);
			committed(f);
		} else {
			update_drop(u);
		}
		if (status == UPDATE_WAIT)
			wait_for(f->disk);
	} while (status == UPDATE_WAIT || status == UPDATE_MORE);
	free(u);
	return status;
}

struct writing {
	struct ext4_io io;
	bool is_done;
};

static void written(struct ext4_io *io, int status)
{
	(void)status;
	((struct writing *)io->context)->is_done = true;
}

static void write_data(struct files *f, const struct ext4_reservation *r, uint32_t seed)
{
	uint8_t *bytes = malloc((size_t)r->count * EXT4_BLOCK_SIZE);
	struct writing writing = { .io = { .block = r->block,
		                           .count = r->count,
		                           .write = true,
		                           .bytes = bytes,
		                           .done = written,
		                           .context = &writing } };

	for (size_t i = 0; i < (size_t)r->count * EXT4_BLOCK_SIZE; i++)
		bytes[i] = (uint8_t)(seed + i * 7 + (i >> 8));
	f->disk->device.submit(&f->disk->device, &writing.io);
	while (!writing.is_done)
		wait_for(f->disk);
	free(bytes);
}

// Finds a file, reserves blocks behind its end, writes to them, and makes them the file's.
static void append(struct files *f, struct op *op)
{
	struct ext4_reservation reservation;
	struct ext4_node folder;
	struct ext4_attr attr;
	struct update *u = malloc(sizeof(*u));
	char text[300];
	int status;

	for (;;) {
		status = update_begin(u, f->fs, 0);
		if (status == 0)
			status = find_folder(u, op->folder, &folder);
		if (status == 0)
			status = ext4_lookup(u, folder, name_of(op->name, text, sizeof(text)),
			                     &attr);
		if (status == 0 && (attr.mode & MODE_TYPE) != (MODE_FILE & MODE_TYPE))
			status = -LINUX_EINVAL;
		op->block = status == 0 ? (uint32_t)((attr.size + 4095) / 4096) : 0;
		op->count = 1 + op->value % 20;
		if (status == 0)
			status = ext4_reserve(u, attr.node, op->block, op->count, &reservation);
		update_drop(u);
		if (status != UPDATE_WAIT)
			break;
		wait_for(f->disk);
	}
	free(u);
	if (status != 0)
		return;
	op->count = reservation.count;
	op->node = attr.node;
	op->reservation = &reservation;
	if (op->value % 4 != 0)
		write_data(f, &reservation, op->value);
	if (run(f, op) == 0)
		ext4_reservation_used(f->fs, &reservation, op->count);
	ext4_unreserve(f->fs, &reservation);
}

static void update(struct files *f)
{
	struct device_fake *disk = f->disk;
	struct op op = { .what = (enum what)device_fake_random(disk, NUM_WHATS),
		         .folder = device_fake_random(disk, 3),
		         .new_folder = device_fake_random(disk, 3),
		         .name = device_fake_random(disk, NAMES),
		         .new_name = device_fake_random(disk, NAMES),
		         .value = device_fake_random(disk, 1u << 30) };
	uint32_t which = device_fake_random(disk, f->num_orphans);

	ext4_set_time(f->fs, (struct ext4_time){ .seconds = 1700000000 });
	if (op.what == RELEASE && f->num_orphans == 0)
		return;
	if (op.what == EXTEND) {
		append(f, &op);
		return;
	}
	if (op.what == RELEASE) {
		op.node = f->orphans[which];
		f->orphans[which] = f->orphans[--f->num_orphans];
	}
	if (run(f, &op) == 0 && op.orphan.inode != 0 && f->num_orphans < FILES_MAX_ORPHANS)
		f->orphans[f->num_orphans++] = op.orphan;
}

struct syncing {
	struct ext4_sync sync;
	struct files *f;
	uint64_t number;
};

static void synced(void *context, int status)
{
	struct syncing *syncing = context;

	syncing->f->num_syncs--;
	if (status == 0 && syncing->f->synced != NULL)
		syncing->f->synced(syncing->f->context, syncing->number);
	free(syncing);
}

void files_step(struct files *f)
{
	uint32_t what = device_fake_random(f->disk, 32);
	struct syncing *syncing;

	if (what < 22) {
		update(f);
	} else if (what < 24) {
		syncing = malloc(sizeof(*syncing));
		*syncing = (struct syncing){ .sync = { .done = synced, .context = syncing },
			                     .f = f,
			                     .number = f->number };
		f->num_syncs++;
		ext4_sync(f->fs, &syncing->sync);
	} else if (what == 24) {
		ext4_tick(f->fs, f->fs->journal.seconds + 3);
	} else if (what == 25) {
		checkpoint_begin(f->fs);
	} else {
		for (uint32_t i = device_fake_random(f->disk, 16); i > 0; i--)
			device_fake_step(f->disk);
	}
}

static void make_folder(struct files *f, const char *text)
{
	struct ext4_new what = { .mode = MODE_FOLDER };
	struct span name = text_span(text);
	struct ext4_attr attr, stamp = { .mtime = { .seconds = (int64_t)f->number + 1 } };
	struct update *u = malloc(sizeof(*u));
	int status;

	do {
		status = update_begin(u, f->fs, 63);
		if (status == 0)
			status = ext4_create(u, root, name, &what, &attr);
		if (status == 0)
			status = ext4_setattr(u, root, EXT4_SET_MTIME, &stamp);
		if (status == 0)
			update_commit(u, NULL);
		else
			update_drop(u);
		if (status == UPDATE_WAIT)
			wait_for(f->disk);
	} while (status == UPDATE_WAIT);
	free(u);
	if (status == 0)
		committed(f);
	else if (status != -LINUX_EEXIST)
		abort();
}

void files_begin(struct files *f, struct device_fake *disk, struct ext4 *fs)
{
	uint64_t digest;

	f->disk = disk;
	f->fs = fs;
	f->num_syncs = 0;
	f->num_orphans = 0;
	memset(filler, 'x', sizeof(filler));
	if (!files_look(disk, fs, &f->number, &digest))
		abort();
	if (f->digests == NULL) {
		// mke2fs has its own time there.
		f->digests = calloc(FILES_MAX_UPDATES, sizeof(f->digests[0]));
		f->number = 0;
	}
	make_folder(f, "d1");
	make_folder(f, "d2");
}

void files_end(struct files *f)
{
	free(f->digests);
	f->digests = NULL;
}
