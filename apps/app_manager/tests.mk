# SPDX-License-Identifier: MIT
HOST_TESTS += apps/app_manager/matching_test
matching_test_SRCS := apps/app_manager/matching.c $(patsubst %,libs/base/%.c,closest fmt span string)
