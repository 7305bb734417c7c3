# SPDX-License-Identifier: MIT
HOST_TESTS += apps/vmm/detach_test
detach_test_SRCS := apps/vmm/detach.c libs/base/string.c
HOST_TESTS += apps/vmm/attach_test
attach_test_SRCS := $(patsubst %,apps/vmm/%.c,attach detach frame input) $(SYSTEM_FAKE_SRCS) $(patsubst %,libs/base/%.c,fmt span string)
HOST_FUZZERS += apps/vmm/vmm_fuzz
vmm_fuzz_SLOWER := 20
vmm_fuzz_SRCS := $(filter-out %/main.c %_fuzz.c %_test.c,$(wildcard apps/vmm/*.c)) $(FILES_SRCS) $(SYSTEM_FAKE_SRCS) \
	$(filter-out %_test.c %_fuzz.c,$(wildcard libs/logs/*.c)) \
	$(patsubst %,libs/%.c,linux/vm/vm_share json/json base/date base/hex base/fmt base/span base/string)
