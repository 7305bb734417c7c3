# SPDX-License-Identifier: MIT
HOST_FUZZERS += apps/echo/echo_fuzz
echo_fuzz_SRCS := $(patsubst %,libs/starina/%.c,system_fake loop payload service log environ) $(patsubst %,libs/base/%.c,fmt span string)
