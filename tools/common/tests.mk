# SPDX-License-Identifier: MIT
HOST_TESTS += tools/common/log_test tools/common/line_reader_test tools/common/address_file_test
log_test_SRCS := tools/common/log.c tools/common/error.c
log_test_CFLAGS := -D_GNU_SOURCE
line_reader_test_SRCS := tools/common/line_reader.c
address_file_test_SRCS := tools/common/address_file.c tools/common/error.c
address_file_test_CFLAGS := -D_GNU_SOURCE
