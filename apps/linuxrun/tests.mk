# SPDX-License-Identifier: MIT
HOST_TESTS += apps/linuxrun/boot_input_test
boot_input_test_SRCS := libs/linux/vm/ustar.c apps/linuxrun/host_line.c libs/base/span.c
