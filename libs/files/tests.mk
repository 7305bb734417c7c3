# SPDX-License-Identifier: MIT
HOST_TESTS += libs/files/files_test
files_test_SRCS := $(FILES_SRCS) $(SYSTEM_FAKE_SRCS) \
	$(patsubst %,libs/base/%.c,fmt span string)
HOST_TESTS += libs/files/files_data_test libs/files/files_end_test
files_data_test_SRCS := $(files_test_SRCS)
files_end_test_SRCS := $(files_test_SRCS)
HOST_TESTS += libs/files/simple_test
simple_test_SRCS := $(files_test_SRCS)
HOST_FUZZERS += libs/files/files_fuzz
files_fuzz_SRCS := $(files_test_SRCS)
HOST_TESTS += libs/files/volume_test
volume_test_SRCS := $(files_test_SRCS)
HOST_TESTS += libs/files/volume_size_test
volume_size_test_SRCS := $(files_test_SRCS)
HOST_TESTS += libs/files/steady_test
steady_test_SRCS := $(files_test_SRCS)
