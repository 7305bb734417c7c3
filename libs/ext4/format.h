// SPDX-License-Identifier: MIT
//
// What ext4 has on the disk (Linux: Documentation/filesystems/ext4). All fields are little-endian,
// as all our machines are. Structures lie in blocks at multiples of 4.
#pragma once

#include <stdint.h>

#define SUPER_OFFSET 1024u  // in block 0
#define SUPER_MAGIC 0xef53u
#define SUPER_CLEAN 1u  // of state
#define SUPER_ERRORS 2u

enum super_flags { SUPER_HASH_SIGNED = 1, SUPER_HASH_UNSIGNED = 2 };

enum feature_compat {
	COMPAT_HAS_JOURNAL = 0x4,
	COMPAT_EXT_ATTR = 0x8,
	COMPAT_RESIZE_INODE = 0x10,
	COMPAT_DIR_INDEX = 0x20,
	COMPAT_FAST_COMMIT = 0x400,
	COMPAT_ORPHAN_FILE = 0x1000,
};
enum feature_incompat {
	INCOMPAT_FILETYPE = 0x2,
	INCOMPAT_RECOVER = 0x4,
	INCOMPAT_EXTENTS = 0x40,
	INCOMPAT_64BIT = 0x80,
	INCOMPAT_FLEX_BG = 0x200,
	INCOMPAT_CSUM_SEED = 0x2000,
};
enum feature_ro_compat {
	RO_COMPAT_SPARSE_SUPER = 0x1,
	RO_COMPAT_LARGE_FILE = 0x2,
	RO_COMPAT_HUGE_FILE = 0x8,
	RO_COMPAT_DIR_NLINK = 0x20,
	RO_COMPAT_EXTRA_ISIZE = 0x40,
	RO_COMPAT_METADATA_CSUM = 0x400,
};

struct disk_super {
	uint32_t inodes_count;
	uint32_t blocks_count_lo;
	uint32_t reserved_blocks_lo;
	uint32_t free_blocks_lo;
	uint32_t free_inodes;
	uint32_t first_data_block;
	uint32_t log_block_size;
	uint32_t log_cluster_size;
	uint32_t blocks_per_group;
	uint32_t clusters_per_group;
	uint32_t inodes_per_group;
	uint32_t mount_time;
	uint32_t write_time;
	uint16_t mount_count;
	uint16_t max_mount_count;
	uint16_t magic;
	uint16_t state;
	uint16_t errors;
	uint16_t minor_revision;
	uint32_t last_check;
	uint32_t check_interval;
	uint32_t creator_os;
	uint32_t revision;
	uint16_t reserved_uid;
	uint16_t reserved_gid;
	uint32_t first_inode;
	uint16_t inode_size;
	uint16_t block_group;
	uint32_t compat;
	uint32_t incompat;
	uint32_t ro_compat;
	uint8_t uuid[16];
	char volume_name[16];
	char last_mounted[64];
	uint32_t algorithm_bitmap;
	uint8_t prealloc_blocks;
	uint8_t prealloc_dir_blocks;
	uint16_t reserved_gdt_blocks;
	uint8_t journal_uuid[16];
	uint32_t journal_inode;
	uint32_t journal_device;
	uint32_t last_orphan;
	uint32_t hash_seed[4];
	uint8_t hash_version;
	uint8_t journal_backup_type;
	uint16_t group_size;  // of a descriptor
	uint32_t default_mount_options;
	uint32_t first_meta_group;
	uint32_t mkfs_time;
	uint32_t journal_backup[17];
	uint32_t blocks_count_hi;
	uint32_t reserved_blocks_hi;
	uint32_t free_blocks_hi;
	uint16_t min_extra_isize;
	uint16_t want_extra_isize;
	uint32_t flags;
	uint16_t raid_stride;
	uint16_t mmp_interval;
	uint32_t mmp_block[2];
	uint32_t raid_stripe_width;
	uint8_t log_groups_per_flex;
	uint8_t checksum_type;
	uint8_t encryption_level;
	uint8_t padding;
	uint32_t kbytes_written[2];
	uint32_t snapshots[5];
	uint32_t error_count;
	uint32_t first_error[13];
	uint32_t last_error[13];
	char mount_options[64];
	uint32_t user_quota_inode;
	uint32_t group_quota_inode;
	uint32_t overhead_blocks;
	uint32_t backup_groups[2];
	uint8_t encryption_algorithms[4];
	uint8_t encryption_salt[16];
	uint32_t lost_found_inode;
	uint32_t project_quota_inode;
	uint32_t checksum_seed;
	uint32_t reserved[98];
	uint32_t checksum;
};
_Static_assert(sizeof(struct disk_super) == 1024, "disk_super");
_Static_assert(__builtin_offsetof(struct disk_super, last_orphan) == 0xe8, "last_orphan");
_Static_assert(__builtin_offsetof(struct disk_super, flags) == 0x160, "flags");
_Static_assert(__builtin_offsetof(struct disk_super, error_count) == 0x194, "error_count");
_Static_assert(__builtin_offsetof(struct disk_super, mount_options) == 0x200, "mount_options");
_Static_assert(__builtin_offsetof(struct disk_super, checksum_seed) == 0x270, "checksum_seed");

enum group_flags { GROUP_INODE_UNINIT = 1, GROUP_BLOCK_UNINIT = 2, GROUP_ITABLE_ZEROED = 4 };

struct disk_group {
	uint32_t block_bitmap_lo;
	uint32_t inode_bitmap_lo;
	uint32_t inode_table_lo;
	uint16_t free_blocks_lo;
	uint16_t free_inodes_lo;
	uint16_t used_dirs_lo;
	uint16_t flags;
	uint32_t exclude_bitmap_lo;
	uint16_t block_bitmap_csum_lo;
	uint16_t inode_bitmap_csum_lo;
	uint16_t itable_unused_lo;
	uint16_t checksum;
	uint32_t block_bitmap_hi;
	uint32_t inode_bitmap_hi;
	uint32_t inode_table_hi;
	uint16_t free_blocks_hi;
	uint16_t free_inodes_hi;
	uint16_t used_dirs_hi;
	uint16_t itable_unused_hi;
	uint32_t exclude_bitmap_hi;
	uint16_t block_bitmap_csum_hi;
	uint16_t inode_bitmap_csum_hi;
	uint32_t reserved;
};
_Static_assert(sizeof(struct disk_group) == 64, "disk_group");

#define INODE_SIZE 256u
#define INODE_BASE 128u  // what was an inode before there were extra fields
#define INODE_EXTRA 32u  // bytes of extra fields
#define INODE_FIELD 60u  // bytes of `block`

enum inode_flags {
	INODE_IMMUTABLE = 0x10,
	INODE_APPEND = 0x20,
	INODE_INDEX = 0x1000,
	INODE_HUGE_FILE = 0x40000,
	INODE_EXTENTS = 0x80000,
	INODE_EA_INODE = 0x200000,
	INODE_INLINE_DATA = 0x10000000,
};

struct disk_inode {
	uint16_t mode;
	uint16_t uid_lo;
	uint32_t size_lo;
	uint32_t atime;
	uint32_t ctime;
	uint32_t mtime;
	uint32_t dtime;  // on the orphan list: the next inode there
	uint16_t gid_lo;
	uint16_t links;
	uint32_t blocks_lo;  // of 512 bytes, or of the file system's with INODE_HUGE_FILE
	uint32_t flags;
	uint32_t version;
	uint8_t block[INODE_FIELD];  // extents, a short symbolic link, a device
	uint32_t generation;
	uint32_t xattr_block_lo;
	uint32_t size_hi;
	uint32_t fragment;
	uint16_t blocks_hi;
	uint16_t xattr_block_hi;
	uint16_t uid_hi;
	uint16_t gid_hi;
	uint16_t checksum_lo;
	uint16_t reserved;
	uint16_t extra_isize;
	uint16_t checksum_hi;
	uint32_t ctime_extra;
	uint32_t mtime_extra;
	uint32_t atime_extra;
	uint32_t crtime;
	uint32_t crtime_extra;
	uint32_t version_hi;
	uint32_t project;
	uint8_t xattrs[INODE_SIZE - INODE_BASE - INODE_EXTRA];
};
_Static_assert(sizeof(struct disk_inode) == INODE_SIZE, "disk_inode");
_Static_assert(__builtin_offsetof(struct disk_inode, extra_isize) == INODE_BASE, "extra_isize");

#define EXTENT_MAGIC 0xf30au
#define EXTENT_MAX_DEPTH 5u
#define EXTENT_MAX_LEN 32768u  // a length above it says unwritten

struct disk_extent_header {
	uint16_t magic;
	uint16_t entries;
	uint16_t max;
	uint16_t depth;
	uint32_t generation;
};

// An extent, or (depth > 0) where a node is.
struct disk_extent {
	uint32_t block;  // of the file
	union {
		struct {
			uint16_t len;
			uint16_t start_hi;
			uint32_t start_lo;
		};
		struct {
			uint32_t node_lo;
			uint16_t node_hi;
			uint16_t unused;
		};
	};
};
_Static_assert(sizeof(struct disk_extent_header) == 12 && sizeof(struct disk_extent) == 12, "");

#define EXTENTS_IN_INODE 4u
#define EXTENTS_IN_BLOCK 340u  // a checksum of 4 bytes is behind them

struct disk_dirent {
	uint32_t inode;  // 0: none
	uint16_t len;    // to the next entry
	uint8_t name_len;
	uint8_t type;
	uint8_t name[];
};
_Static_assert(sizeof(struct disk_dirent) == 8, "disk_dirent");

#define DIR_TAIL_SIZE 12u  // an entry without a name, and a checksum
#define DIR_TAIL_TYPE 0xdeu

enum dirent_type {
	DIRENT_FILE = 1,
	DIRENT_DIR = 2,
	DIRENT_CHAR = 3,
	DIRENT_BLOCK = 4,
	DIRENT_FIFO = 5,
	DIRENT_SOCKET = 6,
	DIRENT_LINK = 7,
};

// Of the index's root, behind "." and "..".
struct disk_index_info {
	uint32_t reserved;
	uint8_t hash_version;
	uint8_t info_len;
	uint8_t levels;
	uint8_t flags;
};
struct disk_index_entry {
	uint32_t hash;  // of the first one: limit and count, each of 16 bits
	uint32_t block;
};
#define INDEX_INFO_AT 24u
#define INDEX_ROOT_AT 32u
#define INDEX_NODE_AT 8u
#define INDEX_TAIL_SIZE 8u

#define XATTR_MAGIC 0xea020000u

struct disk_xattr_header {
	uint32_t magic;
	uint32_t refs;
	uint32_t blocks;
	uint32_t hash;
	uint32_t checksum;
	uint32_t reserved[3];
};
struct disk_xattr {
	uint8_t name_len;
	uint8_t index;  // of the name's prefix
	uint16_t value_offset;
	uint32_t value_inode;
	uint32_t value_size;
	uint32_t hash;
	uint8_t name[];
};
_Static_assert(sizeof(struct disk_xattr_header) == 32 && sizeof(struct disk_xattr) == 16, "");
