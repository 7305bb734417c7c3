# SPDX-License-Identifier: MIT
linuxrun_FILES := $(filter-out %_test.c %_fuzz.c %_fake.c,$(wildcard libs/files/*.c))
HOST_TESTS += apps/linuxrun/boot_input_test
boot_input_test_SRCS := libs/boot_files/ustar.c apps/linuxrun/host_line.c libs/base/span.c
HOST_FUZZERS += apps/linuxrun/linuxrun_fuzz
linuxrun_fuzz_SRCS := $(filter-out %/main.c %_test.c %_fuzz.c,$(wildcard apps/linuxrun/*.c)) \
	$(patsubst %,libs/linux/%.c,disk/disk machine/loader run/container_fake vm/boot_disk) $(patsubst %,libs/boot_files/%.c,ustar boot_disk_fake) libs/starina/opener.c \
	$(linuxrun_FILES) libs/json/json.c $(SYSTEM_FAKE_SRCS) $(patsubst %,libs/base/%.c,fmt span string)
HOST_TESTS += apps/linuxrun/missing_test
missing_test_SRCS := $(linuxrun_fuzz_SRCS)
