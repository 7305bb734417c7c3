# SPDX-License-Identifier: MIT
HOST_TESTS += kernel/mm/chunk_test kernel/mm/stack_test kernel/mm/page_test kernel/mm/kmalloc_test
page_test_SRCS := kernel/mm/page.c kernel/sched/spinlock_fake.c
kmalloc_test_SRCS := kernel/mm/kmalloc.c kernel/mm/page.c kernel/sched/spinlock_fake.c
stack_test_SRCS := kernel/mm/stack.c
