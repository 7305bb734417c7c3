# SPDX-License-Identifier: MIT
HOST_FUZZERS += apps/hostfs/hostfs_app_fuzz
hostfs_app_fuzz_SRCS := $(patsubst %,apps/hostfs/%.c,port session window) libs/linux/disk/disk.c libs/starina/opener.c $(SYSTEM_FAKE_SRCS) \
	$(patsubst %,libs/base/%.c,fmt span string)
