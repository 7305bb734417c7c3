# SPDX-License-Identifier: MIT
FILTERS_PURE := $(patsubst %,libs/%.c,filters/filters filters/pattern filters/until base/date json/json base/fmt base/string starina/heap_fake)
HOST_TESTS += libs/filters/filters_test
filters_test_SRCS := $(FILTERS_PURE)
HOST_FUZZERS += libs/filters/filters_fuzz
filters_fuzz_SRCS := $(FILTERS_PURE)
