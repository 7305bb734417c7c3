# SPDX-License-Identifier: MIT
HOST_TESTS += apps/commands/run_request_test
run_request_test_SRCS := apps/commands/run_request.c libs/base/string.c
