# SPDX-License-Identifier: MIT
HOST_TESTS += libs/locks/locks_test
locks_test_SRCS := libs/locks/locks.c
HOST_FUZZERS += libs/locks/locks_fuzz
