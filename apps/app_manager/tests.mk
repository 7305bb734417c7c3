# SPDX-License-Identifier: MIT
HOST_TESTS += apps/app_manager/matching_test
matching_test_SRCS := apps/app_manager/matching.c $(patsubst %,libs/base/%.c,closest fmt span string)
HOST_FUZZERS += apps/app_manager/app_manager_fuzz
app_manager_fuzz_SRCS := $(patsubst %,apps/app_manager/%.c,apps keep launch load matching program replace requests) \
	$(patsubst %,libs/loader/%.c,elf loader segments spec symbols app_file_fake) $(SYSTEM_FAKE_SRCS) $(patsubst %,libs/base/%.c,closest fmt span string)
