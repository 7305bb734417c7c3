# SPDX-License-Identifier: MIT
LOADER_SRCS := $(patsubst %,libs/loader/%.c,elf loader segments spec symbols) libs/base/fmt.c libs/base/span.c
HOST_TESTS += libs/loader/loader_test
loader_test_SRCS := $(LOADER_SRCS) libs/loader/app_file_fake.c
HOST_FUZZERS += libs/loader/loader_fuzz
loader_fuzz_SRCS := $(LOADER_SRCS) libs/loader/app_file_fake.c
