# SPDX-License-Identifier: MIT
HOST_FUZZERS += apps/hostctl/hostctl_fuzz
hostctl_fuzz_SRCS := $(patsubst %,apps/hostctl/%.c,clients power wall) $(FILES_SRCS) $(SYSTEM_FAKE_SRCS) \
	$(patsubst %,libs/base/%.c,fmt span string)
HOST_TESTS += apps/hostctl/wall_test
wall_test_SRCS := apps/hostctl/wall.c $(patsubst %,libs/starina/%.c,log log_fake) $(patsubst %,libs/base/%.c,fmt string)
