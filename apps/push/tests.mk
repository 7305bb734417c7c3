# SPDX-License-Identifier: MIT
HOST_FUZZERS += apps/push/push_fuzz
push_fuzz_SRCS := apps/push/input.c libs/starina/opener.c $(SYSTEM_FAKE_SRCS) $(patsubst %,libs/base/%.c,fmt span string)
