# SPDX-License-Identifier: MIT
HOST_TESTS += tools/common/log_test tools/common/line_reader_test
log_test_SRCS := tools/common/log.c tools/common/error.c
log_test_CFLAGS := -D_GNU_SOURCE
line_reader_test_SRCS := tools/common/line_reader.c
