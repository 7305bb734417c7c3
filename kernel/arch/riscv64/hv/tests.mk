# SPDX-License-Identifier: MIT
HOST_TESTS += kernel/arch/riscv64/hv/insn_test kernel/arch/riscv64/hv/gstage_test
insn_test_SRCS := kernel/arch/riscv64/hv/insn.c
gstage_test_SRCS := kernel/arch/riscv64/hv/gstage.c kernel/mm/page_fake.c
HOST_TESTS += kernel/arch/riscv64/hv/sbi_test kernel/object/hvspace_test
sbi_test_SRCS := $(patsubst %,kernel/arch/riscv64/hv/%.c,sbi sbi_base sbi_time sbi_ipi sbi_rfence sbi_hsm sbi_srst sbi_dbcn) \
	kernel/sched/spinlock_fake.c
hvspace_test_SRCS := kernel/object/hvspace_fake.c kernel/mm/page_fake.c kernel/object/hvspace.c kernel/object/hvspace_notify.c kernel/object/vcpu.c kernel/arch/riscv64/hv/gstage.c libs/base/string.c \
	kernel/sched/spinlock_fake.c
HOST_FUZZERS += kernel/arch/riscv64/hv/guest_exit_fuzz
guest_exit_fuzz_SRCS := $(patsubst %,kernel/arch/riscv64/hv/%.c,sbi sbi_base sbi_time sbi_ipi sbi_rfence sbi_hsm sbi_srst sbi_dbcn \
	mmio insn) kernel/sched/spinlock_fake.c libs/base/span.c
guest_exit_fuzz_LIBS := -lcmocka
