// SPDX-License-Identifier: MIT
#include "libs/ext4/inode.h"

#include "libs/abi/linux_error.h"
#include "libs/base/string.h"
#include "libs/ext4/bitmap.h"
#include "libs/ext4/crc32c.h"
#include "libs/ext4/group.h"
#include "libs/ext4/internal.h"

void inode_set_seed(const struct ext4 *fs, struct inode *inode)
{
	uint32_t seed = crc32c(fs->super.seed, &inode->number, 4);

	inode->seed = crc32c(seed, &inode->raw.generation, 4);
}

static uint32_t checksum(const struct inode *inode)
{
	struct disk_inode raw = inode->raw;

	raw.checksum_lo = 0;
	raw.checksum_hi = 0;
	return crc32c(inode->seed, &raw, sizeof(raw));
}

int inode_locate(struct update *u, struct inode *inode)
{
	const struct super *super = &u->fs->super;
	uint32_t index;
	struct group g;
	int status;

	if (inode->number == 0 || inode->number > super->num_inodes)
		return damaged(u->fs, "inode %u is out of range", inode->number);
	index = (inode->number - 1) % super->inodes_per_group;
	status = group_load(u, (inode->number - 1) / super->inodes_per_group, &g);
	if (status != 0)
		return status;
	inode->block = group_inode_table(&g) + index / INODES_PER_BLOCK;
	inode->offset = index % INODES_PER_BLOCK * INODE_SIZE;
	return 0;
}

int inode_load_raw(struct update *u, uint32_t number, struct inode *out)
{
	const uint8_t *bytes;
	int status;

	out->number = number;
	status = inode_locate(u, out);
	if (status == 0)
		status = update_read(u, out->block, &bytes);
	if (status != 0)
		return status;
	memcpy(&out->raw, bytes + out->offset, sizeof(out->raw));
	inode_set_seed(u->fs, out);
	return 0;
}

static bool is_sound(const struct inode *inode)
{
	uint32_t sum = checksum(inode);

	return (uint16_t)sum == inode->raw.checksum_lo && sum >> 16 == inode->raw.checksum_hi;
}

// Why an inode cannot be used as it is; 0: it can.
static int check(struct ext4 *fs, const struct inode *inode)
{
	if (!is_sound(inode))
		return damaged(fs, "inode %u has a wrong checksum", inode->number);
	if (inode->raw.extra_isize != INODE_EXTRA)
		return damaged(fs, "inode %u has extra fields of %u bytes", inode->number,
		               inode->raw.extra_isize);
	if ((inode->raw.flags & (INODE_EA_INODE | INODE_INLINE_DATA)) != 0)
		return damaged(fs, "inode %u has a kind that its file system has not",
		               inode->number);
	if (inode_size(inode) > 1ull << 44)
		return damaged(fs, "inode %u has an impossible size", inode->number);
	return 0;
}

int inode_load(struct update *u, uint32_t number, struct inode *out)
{
	int status = inode_load_raw(u, number, out);

	if (status == 0)
		status = check(u->fs, out);
	if (status == 0 && (out->raw.mode == 0 || number < u->fs->super.first_inode) &&
	    number != EXT4_ROOT_INODE)
		return damaged(u->fs, "inode %u has a name and is not in use", number);
	return status;
}

// Whether the bitmap says that an inode is in use: one without links may be an orphan, or free.
static int is_used(struct update *u, uint32_t number, bool *out)
{
	const uint8_t *bitmap;
	struct group g;
	int status = group_load(u, (number - 1) / u->fs->super.inodes_per_group, &g);

	if (status == 0)
		status = group_read_inodes(u, &g, u->fs->super.scratch, &bitmap);
	if (status == 0)
		*out = bit_get(bitmap, (number - 1) % u->fs->super.inodes_per_group);
	return status;
}

int inode_load_node(struct update *u, struct ext4_node node, struct inode *out)
{
	const struct super *super = &u->fs->super;
	bool used = true;
	int status;

	if (node.inode > super->num_inodes ||
	    (node.inode != EXT4_ROOT_INODE && node.inode < super->first_inode))
		return -LINUX_ESTALE;
	status = inode_load_raw(u, node.inode, out);
	if (status != 0)
		return status;
	if (out->raw.mode == 0 ||
	    (((out->raw.generation ^ node.generation) & EXT4_GENERATION_MASK) != 0 &&
	     (node.inode != EXT4_ROOT_INODE || node.generation != 0)))
		return -LINUX_ESTALE;
	if (out->raw.links == 0 || !is_sound(out))
		status = is_used(u, node.inode, &used);
	if (status == 0 && !used)
		return -LINUX_ESTALE;
	return status == 0 ? check(u->fs, out) : status;
}

int inode_store(struct update *u, struct inode *inode)
{
	uint8_t *bytes;
	uint32_t sum;
	int status = update_write(u, inode->block, &bytes);

	if (status != 0)
		return status;
	sum = checksum(inode);
	inode->raw.checksum_lo = (uint16_t)sum;
	inode->raw.checksum_hi = (uint16_t)(sum >> 16);
	memcpy(bytes + inode->offset, &inode->raw, sizeof(inode->raw));
	return 0;
}

// --- Fields that are spread over the inode ---

static struct ext4_time get_time(uint32_t seconds, uint32_t extra)
{
	return (struct ext4_time){ .seconds = (int32_t)seconds + ((int64_t)(extra & 3) << 32),
		                   .nanoseconds = extra >> 2 };
}

static void set_time(uint32_t *seconds, uint32_t *extra, struct ext4_time time)
{
	int64_t epoch = (time.seconds - (int32_t)time.seconds) >> 32;

	*seconds = (uint32_t)time.seconds;
	*extra = ((uint32_t)epoch & 3) | time.nanoseconds << 2;
}

// Linux's disk has seconds of 34 bits from 1901 on. As it does, the first and the last have no
// nanoseconds.
static struct ext4_time clamp(struct ext4_time time)
{
	const int64_t min = INT32_MIN, max = min + (1ll << 34) - 1;

	if (time.seconds <= min || time.seconds >= max)
		time = (struct ext4_time){ .seconds = time.seconds <= min ? min : max };
	if (time.nanoseconds > 999999999)
		time.nanoseconds = 999999999;
	return time;
}

void inode_set_atime(struct inode *inode, struct ext4_time time)
{
	set_time(&inode->raw.atime, &inode->raw.atime_extra, clamp(time));
}

void inode_set_mtime(struct inode *inode, struct ext4_time time)
{
	set_time(&inode->raw.mtime, &inode->raw.mtime_extra, clamp(time));
}

void inode_set_ctime(struct inode *inode, struct ext4_time time)
{
	set_time(&inode->raw.ctime, &inode->raw.ctime_extra, clamp(time));
}

void inode_stamp(const struct ext4 *fs, struct inode *inode)
{
	inode_set_mtime(inode, fs->now);
	inode_set_ctime(inode, fs->now);
}

void inode_set_owner(struct inode *inode, uint32_t uid, uint32_t gid)
{
	inode->raw.uid_lo = (uint16_t)uid;
	inode->raw.uid_hi = (uint16_t)(uid >> 16);
	inode->raw.gid_lo = (uint16_t)gid;
	inode->raw.gid_hi = (uint16_t)(gid >> 16);
}

static uint64_t get_blocks(const struct inode *inode)
{
	uint64_t blocks = (uint64_t)inode->raw.blocks_hi << 32 | inode->raw.blocks_lo;

	return (inode->raw.flags & INODE_HUGE_FILE) != 0 ? blocks * 8 : blocks;
}

void inode_add_blocks(struct inode *inode, int64_t count)
{
	uint64_t blocks = get_blocks(inode) + (uint64_t)count * 8;

	inode->raw.flags &= ~(uint32_t)INODE_HUGE_FILE;
	if (blocks >> 48 != 0) {
		inode->raw.flags |= INODE_HUGE_FILE;
		blocks /= 8;
	}
	inode->raw.blocks_lo = (uint32_t)blocks;
	inode->raw.blocks_hi = (uint16_t)(blocks >> 32);
}

// The first two words of `block`: the old form of 8 and 8 bits, or the new one.
void inode_set_device(struct inode *inode, uint32_t device)
{
	uint32_t major = device >> 8 & 0xfff, minor = (device & 0xff) | (device >> 12 & 0xfff00);
	uint32_t words[2] = { 0, 0 };

	if (major < 256 && minor < 256)
		words[0] = major << 8 | minor;
	else
		words[1] = device;
	memcpy(inode->raw.block, words, sizeof(words));
}

static uint32_t get_device(const struct inode *inode)
{
	uint32_t words[2];

	memcpy(words, inode->raw.block, sizeof(words));
	return words[0] != 0 ? words[0] & 0xffff : words[1];
}

void inode_attr(const struct inode *inode, struct ext4_attr *out)
{
	const struct disk_inode *raw = &inode->raw;

	*out = (struct ext4_attr){ .node = { inode->number, raw->generation },
		                   .mode = raw->mode,
		                   .links = raw->links,
		                   .uid = (uint32_t)raw->uid_hi << 16 | raw->uid_lo,
		                   .gid = (uint32_t)raw->gid_hi << 16 | raw->gid_lo,
		                   .size = inode_size(inode),
		                   .blocks = get_blocks(inode),
		                   .atime = get_time(raw->atime, raw->atime_extra),
		                   .mtime = get_time(raw->mtime, raw->mtime_extra),
		                   .ctime = get_time(raw->ctime, raw->ctime_extra) };
	if (inode_is(inode, MODE_CHAR) || inode_is(inode, MODE_BLOCK))
		out->device = get_device(inode);
}

void inode_add_dir_link(struct inode *inode)
{
	if (inode->raw.links == 1)
		return;
	inode->raw.links++;
	if (inode->raw.links >= LINKS_MAX)
		inode->raw.links = 1;
}

void inode_drop_dir_link(struct inode *inode)
{
	if (inode->raw.links > 2)
		inode->raw.links--;
}
