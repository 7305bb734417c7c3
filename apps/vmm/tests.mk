# SPDX-License-Identifier: MIT
HOST_TESTS += apps/vmm/detach_test
detach_test_SRCS := apps/vmm/detach.c libs/base/string.c
HOST_TESTS += apps/vmm/attach_test
attach_test_SRCS := $(patsubst %,apps/vmm/%.c,attach detach frame input) $(SYSTEM_FAKE_SRCS) $(patsubst %,libs/base/%.c,fmt span string)
