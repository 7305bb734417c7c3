# SPDX-License-Identifier: MIT
# Blocks, updates and the journal; and all of it.
EXT4_BLOCKS_SRCS := $(patsubst %,libs/ext4/%.c,cache update mount blocking super seal crc32c host_fake device_fake \
	zones group inode attr extent extent_insert extent_remove allocator inodes hash dir dir_block htree readdir \
	names rename walk symlink orphan truncate file xattr xattr_list acl) \
	$(patsubst %,libs/ext4/journal/%.c,journal open transaction held log place blocks commit checkpoint recovery revoked \
	redo redo_open) $(patsubst %,libs/base/%.c,span string fmt)
HOST_TESTS += libs/ext4/large_test libs/ext4/hash_test libs/ext4/full_test libs/ext4/long_test
large_test_SRCS := $(EXT4_BLOCKS_SRCS) libs/ext4/volume_fake.c
long_test_SRCS := $(EXT4_BLOCKS_SRCS) libs/ext4/volume_fake.c
full_test_SRCS := $(EXT4_BLOCKS_SRCS) libs/ext4/volume_fake.c
hash_test_SRCS := libs/ext4/hash.c
HOST_FUZZERS += libs/ext4/disk_fuzz
disk_fuzz_SRCS := $(EXT4_BLOCKS_SRCS) libs/ext4/fsck_fake.c
disk_fuzz_SLOWER := 40
HOST_TESTS += libs/ext4/update_test
update_test_SRCS := $(EXT4_BLOCKS_SRCS)
HOST_TESTS += libs/ext4/crc32c_test
crc32c_test_SRCS := libs/ext4/crc32c.c
HOST_TESTS += libs/ext4/journal/journal_test
journal_test_SRCS := $(EXT4_BLOCKS_SRCS)
HOST_TESTS += libs/ext4/journal/journal_mount_test
journal_mount_test_SRCS := $(EXT4_BLOCKS_SRCS)
HOST_TESTS += libs/ext4/crash_test
crash_test_SRCS := $(EXT4_BLOCKS_SRCS) $(patsubst %,libs/ext4/%_fake.c,crash_recorder crash_workload crash_files crash_look fsck)
# What its runs of e2fsck have in them. It is no test's own: without sanitizers.
$(BUILD)/host-tests/libs/ext4/fsck_preload_fake.so: libs/ext4/fsck_preload_fake.c libs/ext4/fsck_preload_fake.h
	$(call say,HOSTCC,$<)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -std=gnu11 -O2 -g -fPIC -shared -I. $(WARNINGS) -o $@ $<
$(BUILD)/host-tests/libs/ext4/crash_test $(BUILD)/host-tests/libs/ext4/kill_test: | $(BUILD)/host-tests/libs/ext4/fsck_preload_fake.so
HOST_TESTS += libs/ext4/kill_test
kill_test_SRCS := $(EXT4_BLOCKS_SRCS) $(patsubst %,libs/ext4/%_fake.c,crash_workload crash_files crash_look fsck)
HOST_TESTS += libs/ext4/linux_disk_test
linux_disk_test_SRCS := $(EXT4_BLOCKS_SRCS) libs/ext4/volume_fake.c
HOST_TESTS += libs/ext4/journal/redo_test
redo_test_SRCS := $(EXT4_BLOCKS_SRCS) libs/ext4/fsck_fake.c
HOST_TESTS += libs/ext4/journal/recovery_test
recovery_test_SRCS := $(EXT4_BLOCKS_SRCS)
HOST_FUZZERS += libs/ext4/journal/recovery_fuzz
recovery_fuzz_SRCS := $(EXT4_BLOCKS_SRCS) $(patsubst %,libs/ext4/%_fake.c,crash_workload fsck)
recovery_fuzz_SLOWER := 10
HOST_TESTS += libs/ext4/model_test
model_test_SRCS := $(EXT4_BLOCKS_SRCS) $(patsubst %,libs/ext4/%_fake.c,volume model model_names model_data)
HOST_TESTS += libs/ext4/make_test
make_test_SRCS := libs/ext4/make.c
