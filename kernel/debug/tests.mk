# SPDX-License-Identifier: MIT
HOST_TESTS += kernel/debug/symbols_test
symbols_test_SRCS := kernel/debug/symbols.c
HOST_TESTS += kernel/debug/console_line_test
console_line_test_SRCS := kernel/debug/console_line.c
