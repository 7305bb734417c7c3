# SPDX-License-Identifier: MIT
HOST_TESTS += tools/run/run_test
run_test_SRCS := $(addprefix tools/run/,bootdisk.c console.c control.c settings.c) \
	$(filter-out %_test.c,$(wildcard tools/common/*.c))
run_test_CFLAGS := -D_GNU_SOURCE
run_test_LIBS := -larchive
