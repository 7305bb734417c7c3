# SPDX-License-Identifier: MIT
HOST_TESTS += tools/run/run_test tools/run/settings_test tools/run/writable_disk_test
run_test_SRCS := $(addprefix tools/run/,bootdisk.c console.c control.c terminal.c) \
	$(filter-out %_test.c,$(wildcard tools/common/*.c))
run_test_CFLAGS := -D_GNU_SOURCE
run_test_LIBS := -larchive
settings_test_SRCS := $(addprefix tools/run/,arguments.c container_settings.c guest_kernel.c image_tool.c images.c \
	options.c ports.c settings.c) \
	$(addprefix tools/image/,environment.c reference.c words.c) $(filter-out %_test.c,$(wildcard tools/common/*.c))
settings_test_CFLAGS := -D_GNU_SOURCE
settings_test_LIBS := -ljansson
writable_disk_test_SRCS := tools/run/writable_disk.c $(filter-out %_test.c,$(wildcard tools/common/*.c))
writable_disk_test_CFLAGS := -D_GNU_SOURCE
HOST_TESTS += tools/run/ports_test
ports_test_SRCS := tools/run/ports.c $(filter-out %_test.c,$(wildcard tools/common/*.c))
ports_test_CFLAGS := -D_GNU_SOURCE
