# SPDX-License-Identifier: MIT
HOST_TESTS += libs/offload/offload_test
offload_test_SRCS := libs/offload/offload.c libs/base/span.c libs/base/checksum.c
