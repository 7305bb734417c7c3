# SPDX-License-Identifier: MIT
HOST_FUZZERS += kernel/syscall/calls_fuzz
calls_fuzz_SRCS := $(wildcard kernel/arch/host/*.c) $(patsubst %,kernel/arch/riscv64/%.c,hv/gstage arch_space page_table tlb_tag) kernel/debug/symbols.c kernel/debug/log_ring.c \
	$(filter-out %_fake.c %_test.c,$(wildcard kernel/object/*.c)) $(filter-out %_fake.c %_test.c,$(wildcard kernel/sched/*.c)) kernel/mm/page.c \
	$(filter-out %_fuzz.c,$(wildcard kernel/syscall/*.c)) \
	kernel/startup/services.c kernel/startup/services_plan.c kernel/startup/environ.c kernel/startup/device_quiesce.c \
	libs/base/fmt.c libs/base/closest.c libs/base/span.c libs/base/string.c \
	$(patsubst %,libs/call_fuzz/%.c,table arguments handles step)
# clang 14 dies of __builtin_assume_aligned where it checks alignment; all_test, compiled by GCC, has that check.
calls_fuzz_CFLAGS := -fno-sanitize=alignment -Wno-unknown-attributes
calls_fuzz_SLOWER := 40
