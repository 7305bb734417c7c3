# SPDX-License-Identifier: MIT
HOST_TESTS += kernel/arch/riscv64/ticks_test
ticks_test_SRCS := kernel/arch/riscv64/ticks.c
HOST_TESTS += kernel/arch/riscv64/plic_chip_test kernel/arch/riscv64/aplic_test
plic_chip_test_SRCS := kernel/arch/riscv64/plic.c kernel/sched/spinlock_fake.c
aplic_test_SRCS := kernel/arch/riscv64/aplic.c
HOST_TESTS += kernel/arch/riscv64/irq_chip_test
irq_chip_test_SRCS := kernel/arch/riscv64/irq_chip.c
HOST_TESTS += kernel/arch/riscv64/arch_space_test
arch_space_test_SRCS := kernel/arch/riscv64/arch_space.c kernel/arch/riscv64/tlb_tag.c
HOST_TESTS += kernel/arch/riscv64/tlb_tag_test kernel/arch/riscv64/tlb_tag_race_test
tlb_tag_test_SRCS := kernel/arch/riscv64/tlb_tag.c kernel/sched/spinlock_fake.c
tlb_tag_race_test_SRCS := kernel/arch/riscv64/tlb_tag.c
tlb_tag_race_test_CFLAGS := -fno-sanitize=address,undefined -fsanitize=thread -pthread
