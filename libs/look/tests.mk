# SPDX-License-Identifier: MIT
HOST_TESTS += libs/look/look_test
look_test_SRCS := libs/look/look.c libs/look/look_fake.c
