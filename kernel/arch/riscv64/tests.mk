# SPDX-License-Identifier: MIT
HOST_TESTS += kernel/arch/riscv64/ticks_test
ticks_test_SRCS := kernel/arch/riscv64/ticks.c
