# SPDX-License-Identifier: MIT
HOST_TESTS += kernel/debug/symbols_test
symbols_test_SRCS := kernel/debug/symbols.c
