# SPDX-License-Identifier: MIT
# Blocks, updates and the journal; and all of it.
EXT4_BLOCKS_SRCS := $(patsubst %,libs/ext4/%.c,cache update mount blocking super host_fake device_fake \
	journal/journal journal/transaction journal/held) $(patsubst %,libs/base/%.c,span string)
HOST_TESTS += libs/ext4/update_test
update_test_SRCS := $(EXT4_BLOCKS_SRCS)
HOST_TESTS += libs/ext4/crc32c_test
crc32c_test_SRCS := libs/ext4/crc32c.c
