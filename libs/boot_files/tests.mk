# SPDX-License-Identifier: MIT
HOST_TESTS += libs/boot_files/boot_files_test
boot_files_test_SRCS := $(patsubst %,libs/boot_files/%.c,boot_files ustar boot_disk_fake) libs/starina/opener.c $(SYSTEM_FAKE_SRCS) \
	$(patsubst %,libs/base/%.c,string fmt span)
HOST_FUZZERS += libs/boot_files/boot_files_fuzz
boot_files_fuzz_SRCS := $(boot_files_test_SRCS)
