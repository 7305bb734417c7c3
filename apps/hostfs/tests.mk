# SPDX-License-Identifier: MIT
HOSTFS_APP_SRCS := $(patsubst %,apps/hostfs/%.c,client port session window) libs/linux/disk/disk.c libs/starina/opener.c $(SYSTEM_FAKE_SRCS) \
	$(patsubst %,libs/base/%.c,fmt span string)
HOST_TESTS += apps/hostfs/hostfs_app_test
hostfs_app_test_SRCS := $(HOSTFS_APP_SRCS)
HOST_FUZZERS += apps/hostfs/hostfs_app_fuzz
hostfs_app_fuzz_SRCS := $(HOSTFS_APP_SRCS)
