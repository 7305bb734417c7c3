# SPDX-License-Identifier: MIT
HOST_TESTS += kernel/startup/boot_args_test
boot_args_test_SRCS := kernel/startup/boot_args.c libs/base/string.c
HOST_TESTS += kernel/startup/device_quiesce_test
device_quiesce_test_SRCS := kernel/startup/device_quiesce.c
