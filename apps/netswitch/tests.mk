# SPDX-License-Identifier: MIT
HOST_TESTS += apps/netswitch/guard_test apps/netswitch/pool_test apps/netswitch/switch_test
guard_test_SRCS := apps/netswitch/guard.c libs/base/span.c
pool_test_SRCS := apps/netswitch/pool.c
switch_test_SRCS := $(patsubst %,apps/netswitch/%.c,port forward vm_port pool guard) libs/offload/offload.c libs/base/span.c \
	libs/base/checksum.c
HOST_FUZZERS += apps/netswitch/frames_from_guest_fuzz
frames_from_guest_fuzz_SRCS := apps/netswitch/guard.c libs/offload/offload.c libs/base/span.c libs/base/checksum.c
