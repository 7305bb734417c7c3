# SPDX-License-Identifier: MIT
HOST_TESTS += apps/dns/dns_test
dns_test_SRCS := $(patsubst %,apps/dns/%.c,message names forward) libs/base/span.c libs/base/string.c libs/starina/heap_fake.c
HOST_FUZZERS += apps/dns/dns_fuzz
dns_fuzz_SRCS := $(dns_test_SRCS)
