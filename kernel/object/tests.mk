# SPDX-License-Identifier: MIT
#
# One program holds all tests of kernel/object, kernel/syscall, kernel/sched and the service table: they share the kernel and the
# fake machine of kernel/arch/host.
HOST_TESTS += kernel/object/all_test
all_test_SRCS := $(wildcard kernel/arch/host/*.c) $(patsubst %,kernel/arch/riscv64/%.c,arch_space page_table tlb_tag) kernel/debug/symbols.c kernel/debug/log_ring.c \
	$(filter-out %_test.c kernel/object/hvspace%.c kernel/object/vcpu.c,$(wildcard kernel/object/*.c)) \
	$(filter-out %_fake.c %_test.c,$(wildcard kernel/sched/*.c)) kernel/mm/page.c \
	$(filter-out %_fuzz.c %_fake.c kernel/syscall/table.c kernel/syscall/vm.c kernel/syscall/vcpu_run.c,$(wildcard kernel/syscall/*.c)) \
	kernel/startup/services.c kernel/startup/services_plan.c kernel/startup/environ.c kernel/startup/device_quiesce.c \
	libs/base/fmt.c libs/base/closest.c libs/base/span.c libs/base/string.c \
	$(patsubst %,kernel/object/%_test.c,handle channel channel_transit poll poll_recv poll_give poll_pair timer folio process space space_folio space_range preemption launcher launcher_given runtime look look_time) kernel/startup/services_plan_test.c kernel/startup/services_test.c
# Threads of the host in place of harts. Sections: what the file under test needs besides is not linked.
HOST_TESTS += kernel/object/vcpu_race_test kernel/object/vcpu_race_tsan_test
vcpu_race_test_SRCS := kernel/object/vcpu.c
vcpu_race_test_CFLAGS := -fno-sanitize=all -O2 -pthread -ffunction-sections -Wl,--gc-sections
vcpu_race_tsan_test_SRCS := kernel/object/vcpu.c
vcpu_race_tsan_test_CFLAGS := -fno-sanitize=address,undefined -fsanitize=thread -Wno-tsan -pthread -ffunction-sections -Wl,--gc-sections
HOST_TESTS += kernel/object/trace_race_tsan_test
trace_race_tsan_test_SRCS := kernel/object/trace.c kernel/arch/host/host_threads.c
trace_race_tsan_test_CFLAGS := $(vcpu_race_tsan_test_CFLAGS)
