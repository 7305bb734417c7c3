// SPDX-License-Identifier: MIT
//
// Inodes. An operation works on copies, and inode_store makes a copy the update's. So it may have
// one copy of an inode at a time only.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libs/ext4/ext4.h"
#include "libs/ext4/format.h"

#define MODE_TYPE 0xf000u
#define MODE_FIFO 0x1000u
#define MODE_CHAR 0x2000u
#define MODE_DIR 0x4000u
#define MODE_BLOCK 0x6000u
#define MODE_FILE 0x8000u
#define MODE_LINK 0xa000u
#define MODE_SOCKET 0xc000u
#define MODE_SETGID 0x400u

#define LINKS_MAX 65000u  // of a folder: then 1, for many

struct inode {
	uint32_t number;
	uint32_t seed;    // of the checksums of its blocks
	uint64_t block;   // where it lies
	uint32_t offset;  // there
	struct disk_inode raw;
};

// The inode that a client means. -LINUX_ESTALE: there is none, or another one by now.
int inode_load_node(struct update *u, struct ext4_node node, struct inode *out);
// An inode by its number, in use or not. Errors: update_read's, -LINUX_EUCLEAN.
int inode_load_raw(struct update *u, uint32_t number, struct inode *out);
// The inode that an entry of a folder names: in use, with a sound checksum. -LINUX_EUCLEAN.
int inode_load(struct update *u, uint32_t number, struct inode *out);
// Writes the inode with its checksum. Errors: update_write's.
int inode_store(struct update *u, struct inode *inode);
// Where the inode of a number lies. Errors: update_read's, -LINUX_EUCLEAN.
int inode_locate(struct update *u, struct inode *inode);
// Sets `seed` of what the inode is.
void inode_set_seed(const struct ext4 *fs, struct inode *inode);
// What ext4_getattr tells.
void inode_attr(const struct inode *inode, struct ext4_attr *out);

static inline bool inode_is(const struct inode *inode, uint32_t type)
{
	return (inode->raw.mode & MODE_TYPE) == type;
}
static inline uint64_t inode_size(const struct inode *inode)
{
	return (uint64_t)inode->raw.size_hi << 32 | inode->raw.size_lo;
}
static inline void inode_set_size(struct inode *inode, uint64_t size)
{
	inode->raw.size_lo = (uint32_t)size;
	inode->raw.size_hi = (uint32_t)(size >> 32);
}
static inline uint64_t inode_xattr_block(const struct inode *inode)
{
	return (uint64_t)inode->raw.xattr_block_hi << 32 | inode->raw.xattr_block_lo;
}
// Adds to the blocks that it has, of EXT4_BLOCK_SIZE.
void inode_add_blocks(struct inode *inode, int64_t count);
// Sets owner and times.
void inode_set_owner(struct inode *inode, uint32_t uid, uint32_t gid);
void inode_set_atime(struct inode *inode, struct ext4_time time);
void inode_set_mtime(struct inode *inode, struct ext4_time time);
void inode_set_ctime(struct inode *inode, struct ext4_time time);
// Stamps a change of content: mtime and ctime are the current time.
void inode_stamp(const struct ext4 *fs, struct inode *inode);
// Sets the number of a device node, as Linux's new_encode_dev has it.
void inode_set_device(struct inode *inode, uint32_t device);
// A folder has one more, or one less, folder in it.
void inode_add_dir_link(struct inode *inode);
void inode_drop_dir_link(struct inode *inode);
