# SPDX-License-Identifier: MIT
#
# What harts do beside each other without a lock, on host threads, under ThreadSanitizer. It knows no fences; where one orders a store before a
# load, a wake-up that is lost leaves all harts asleep, or a thread without one. Sources: as all_test, without apps.
HOST_TESTS += kernel/sched/harts_test
harts_test_SRCS := $(filter-out %_test.c kernel/startup/% kernel/syscall/system.c kernel/syscall/launcher.c,$(all_test_SRCS))
harts_test_CFLAGS := -fno-sanitize=all -fsanitize=thread -Wno-tsan
