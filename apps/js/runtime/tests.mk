# SPDX-License-Identifier: MIT
HOST_TESTS += apps/js/runtime/script_test
script_test_SRCS := apps/js/runtime/script.c libs/base/span.c
HOST_FUZZERS += apps/js/runtime/script_fuzz
script_fuzz_SRCS := apps/js/runtime/script.c libs/base/span.c
