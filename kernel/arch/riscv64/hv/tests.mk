# SPDX-License-Identifier: MIT
HOST_TESTS += kernel/arch/riscv64/hv/insn_test kernel/arch/riscv64/hv/gstage_test
insn_test_SRCS := kernel/arch/riscv64/hv/insn.c
gstage_test_SRCS := kernel/arch/riscv64/hv/gstage.c
