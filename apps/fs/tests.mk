# SPDX-License-Identifier: MIT
FS_SRCS := $(patsubst %,apps/fs/%.c,attr_ops call client data data_write dir_ops disk file_disk file_ops kept lock_ops mount names_ops node request session xattr_ops) \
	libs/starina/opener.c $(SYSTEM_FAKE_SRCS) $(patsubst %,libs/base/%.c,fmt span string) $(patsubst %,libs/locks/%.c,locks fuse_lock)
# The file system in memory.
FS_MEMORY_SRCS := $(patsubst %,apps/fs/%_fake.c,ext4 ext4_names ext4_data) $(FS_SRCS)
HOST_TESTS += apps/fs/fs_test apps/fs/fs_mount_test apps/fs/fs_data_test apps/fs/fs_death_test
fs_test_SRCS := $(FS_MEMORY_SRCS)
fs_mount_test_SRCS := $(FS_MEMORY_SRCS)
fs_data_test_SRCS := $(FS_MEMORY_SRCS)
fs_death_test_SRCS := $(FS_MEMORY_SRCS)
HOST_FUZZERS += apps/fs/fs_fuzz
fs_fuzz_SRCS := $(FS_MEMORY_SRCS)
fs_fuzz_SLOWER := 10
HOST_TESTS += apps/fs/fs_ext4_test apps/fs/fs_image_test
fs_ext4_test_SRCS = $(sort $(filter-out %_fake.c,$(EXT4_BLOCKS_SRCS)) $(FS_SRCS))
fs_image_test_SRCS = $(fs_ext4_test_SRCS)
HOST_TESTS += apps/fs/fs_lock_test
fs_lock_test_SRCS := $(FS_MEMORY_SRCS)
HOST_TESTS += apps/fs/file_disk_test apps/fs/file_disk_users_test
file_disk_users_test_SRCS := $(FS_MEMORY_SRCS)
file_disk_test_SRCS := $(FS_MEMORY_SRCS)
HOST_FUZZERS += apps/fs/file_disk_fuzz
file_disk_fuzz_SRCS := $(FS_MEMORY_SRCS)
file_disk_fuzz_SLOWER := 20
