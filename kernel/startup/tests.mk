# SPDX-License-Identifier: MIT
HOST_TESTS += kernel/startup/boot_args_test
boot_args_test_SRCS := kernel/startup/boot_args.c libs/base/string.c
HOST_TESTS += kernel/startup/device_quiesce_test
device_quiesce_test_SRCS := kernel/startup/device_quiesce.c
HOST_TESTS += kernel/startup/dt_devices_test
dt_devices_test_SRCS := $(patsubst %,kernel/startup/%.c,dt_devices dt_irq_chip dt_read) libs/base/fmt.c libs/base/span.c libs/base/string.c \
	$(patsubst %,third_party/libfdt/%.c,fdt fdt_ro fdt_sw fdt_strerror fdt_wip fdt_check fdt_addresses fdt_rw)
dt_devices_test_CFLAGS := -Wno-conversion -Wno-sign-conversion -Wno-shadow
HOST_TESTS += kernel/startup/dt_memory_test
dt_memory_test_SRCS := kernel/startup/dt_memory.c kernel/startup/dt_read.c libs/base/string.c \
	$(patsubst %,third_party/libfdt/%.c,fdt fdt_ro fdt_sw fdt_strerror fdt_wip fdt_check fdt_addresses fdt_rw)
dt_memory_test_CFLAGS := -Wno-conversion -Wno-sign-conversion -Wno-shadow
HOST_FUZZERS += kernel/startup/device_tree_fuzz kernel/startup/services_plan_fuzz
device_tree_fuzz_SRCS := $(filter-out %_test.c,$(wildcard kernel/startup/dt_*.c)) kernel/startup/device_tree.c kernel/startup/boot_args.c \
	libs/base/string.c libs/base/fmt.c $(patsubst %,third_party/libfdt/%.c,fdt fdt_ro fdt_rw fdt_wip fdt_sw fdt_addresses fdt_strerror fdt_check)
device_tree_fuzz_CFLAGS := -Wno-conversion -Wno-sign-conversion -Wno-shadow
services_plan_fuzz_SRCS := $(patsubst %,kernel/startup/%.c,services_plan boot_args boot_args_check) \
	libs/base/string.c libs/base/fmt.c libs/base/closest.c
