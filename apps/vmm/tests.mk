# SPDX-License-Identifier: MIT
HOST_TESTS += apps/vmm/detach_test
detach_test_SRCS := apps/vmm/detach.c libs/base/string.c
