# SPDX-License-Identifier: MIT
HOST_TESTS += kernel/arch/riscv64/ticks_test
ticks_test_SRCS := kernel/arch/riscv64/ticks.c
HOST_TESTS += kernel/arch/riscv64/plic_chip_test kernel/arch/riscv64/aplic_test
plic_chip_test_SRCS := kernel/arch/riscv64/plic.c kernel/sched/spinlock_fake.c
aplic_test_SRCS := kernel/arch/riscv64/aplic.c
HOST_TESTS += kernel/arch/riscv64/irq_chip_test
irq_chip_test_SRCS := kernel/arch/riscv64/irq_chip.c
HOST_TESTS += $(patsubst %,kernel/arch/riscv64/arch_space_%,test flush_test race_test)
arch_space_test_SRCS := $(patsubst %,kernel/arch/riscv64/%.c,arch_space arch_space_fake page_table tlb_tag) kernel/mm/page_fake.c
arch_space_flush_test_SRCS := $(arch_space_test_SRCS)
arch_space_race_test_SRCS := $(arch_space_test_SRCS) kernel/arch/host/host_threads.c
arch_space_race_test_CFLAGS := -pthread
HOST_TESTS += kernel/arch/riscv64/tlb_tag_test kernel/arch/riscv64/tlb_tag_race_test
tlb_tag_test_SRCS := kernel/arch/riscv64/tlb_tag.c kernel/sched/spinlock_fake.c
tlb_tag_race_test_SRCS := kernel/arch/riscv64/tlb_tag.c
tlb_tag_race_test_CFLAGS := -fno-sanitize=address,undefined -fsanitize=thread -pthread
