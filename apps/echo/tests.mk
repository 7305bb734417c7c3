# SPDX-License-Identifier: MIT
HOST_FUZZERS += apps/echo/echo_fuzz
echo_fuzz_SRCS := $(SYSTEM_FAKE_SRCS) $(patsubst %,libs/base/%.c,fmt span string)
