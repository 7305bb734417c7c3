# SPDX-License-Identifier: MIT
HOST_TESTS += libs/base/fmt_test libs/base/span_test libs/base/closest_test libs/base/string_test libs/base/checksum_test libs/base/text_test \
	libs/base/date_test libs/base/base64_test libs/base/decimal_test libs/base/hex_test
hex_test_SRCS := libs/base/hex.c
fmt_test_SRCS := libs/base/fmt.c
span_test_SRCS := libs/base/span.c
closest_test_SRCS := libs/base/closest.c
checksum_test_SRCS := libs/base/checksum.c
date_test_SRCS := libs/base/date.c libs/base/fmt.c
base64_test_SRCS := libs/base/base64.c
HOST_TESTS += libs/base/sha256_test
sha256_test_SRCS := libs/base/sha256.c libs/base/string.c
