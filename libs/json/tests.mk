# SPDX-License-Identifier: MIT
HOST_TESTS += libs/json/json_test libs/json/json_text_test
json_test_SRCS := libs/json/json.c
json_text_test_SRCS := libs/json/json.c libs/json/json_text.c libs/base/utf8.c
