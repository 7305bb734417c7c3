# SPDX-License-Identifier: MIT
HOST_FUZZERS += apps/hostctl/hostctl_fuzz
hostctl_fuzz_SRCS := $(patsubst %,apps/hostctl/%.c,clients power) $(FILES_SRCS) $(SYSTEM_FAKE_SRCS) \
	$(patsubst %,libs/base/%.c,fmt span string)
