# SPDX-License-Identifier: MIT
HOST_TESTS += libs/host/host_test
host_test_SRCS := libs/host/host.c $(SYSTEM_FAKE_SRCS) $(patsubst %,libs/base/%.c,fmt span string)
