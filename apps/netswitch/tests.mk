# SPDX-License-Identifier: MIT
HOST_TESTS += apps/netswitch/guard_test
guard_test_SRCS := apps/netswitch/guard.c libs/base/span.c
