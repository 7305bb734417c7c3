# SPDX-License-Identifier: MIT
HOST_TESTS += libs/requests/outbox_test
outbox_test_SRCS := libs/requests/outbox.c
