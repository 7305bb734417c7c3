# SPDX-License-Identifier: MIT
HOST_TESTS += apps/shell/shell_test
shell_test_SRCS := $(patsubst %,apps/shell/%.c,line arguments table) libs/json/json.c libs/json/json_text.c libs/http/head.c \
	$(patsubst %,libs/base/%.c,fmt span string utf8)
HOST_FUZZERS += apps/shell/shell_fuzz
shell_fuzz_SRCS := $(shell_test_SRCS)
