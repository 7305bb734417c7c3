# SPDX-License-Identifier: MIT
HOST_TESTS += apps/netswitch/guard_test apps/netswitch/address_pool_test \
	$(patsubst %,apps/netswitch/%_test,forward switch_port vm_port networks)
guard_test_SRCS := apps/netswitch/guard.c libs/base/span.c
address_pool_test_SRCS := apps/netswitch/pool.c
SWITCH_TEST_SRCS := $(patsubst %,apps/netswitch/%.c,switch_fake switch_port forward vm_port pool guard networks ports) libs/offload/offload.c \
	libs/base/span.c libs/base/checksum.c
forward_test_SRCS := $(SWITCH_TEST_SRCS)
switch_port_test_SRCS := $(SWITCH_TEST_SRCS)
vm_port_test_SRCS := $(SWITCH_TEST_SRCS)
networks_test_SRCS := $(SWITCH_TEST_SRCS)
HOST_FUZZERS += apps/netswitch/frames_from_guest_fuzz
frames_from_guest_fuzz_SRCS := apps/netswitch/guard.c libs/offload/offload.c libs/base/span.c libs/base/checksum.c
HOST_FUZZERS += apps/netswitch/netswitch_fuzz
netswitch_fuzz_SRCS := $(patsubst %,apps/netswitch/%.c,switch_port forward vm_port pool guard networks ports traffic) libs/offload/offload.c \
	$(SYSTEM_FAKE_SRCS) $(patsubst %,libs/base/%.c,checksum fmt span string)
