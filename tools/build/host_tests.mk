# SPDX-License-Identifier: MIT
#
# Unit tests on the host, under ASan and UBSan. A folder's tests.mk lists its tests:
#     HOST_TESTS += libs/base/fmt_test
#     fmt_test_SRCS := libs/base/fmt.c        # beside libs/base/fmt_test.c itself
#     fmt_test_CFLAGS, fmt_test_LIBS          # if needed
# What several tests share stands beside them as NAME_fake.c or, header only, NAME_test.h; no image gets it.
# Fuzz targets (libFuzzer; a short run with a fixed seed) likewise: HOST_FUZZERS += libs/virtio/device_queue_fuzz.
#     calls_fuzz_SLOWER := 20                 # the gate runs so many times fewer inputs
# NAME_fuzz.corpus/ beside one holds small inputs that found something, and is run in the gate; NAME_fuzz.dict words to try.

HOST_CFLAGS := -std=gnu11 -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all \
	-DSTARINA_HOST -DSTARINA_DEBUG=1 -I. -isystem third_party/libfdt -isystem third_party/cjson \
	$(filter-out -Wmissing-prototypes,$(WARNINGS))
FUZZ_RUNS ?= 20000

include $(wildcard */tests.mk */*/tests.mk */*/*/tests.mk */*/*/*/tests.mk)

# Headers are listed by a run of their own: a compilation of several files leaves those of the last one only.
host_test_sources = $(filter %.c,$(1).c $($(notdir $(1))_SRCS))

# NAME_SRCS is the test's own: two tests of one name would each be built with the other's sources.
host_test_names := $(notdir $(HOST_TESTS) $(HOST_FUZZERS))
$(foreach name,$(sort $(host_test_names)),$(if $(filter 1,$(words $(filter $(name),$(host_test_names)))),,\
	$(error two host tests are named $(name): rename one, with its $(name)_SRCS)))

define host_test_rules
$(BUILD)/host-tests/$(1): $(1).c $$($(notdir $(1))_SRCS)
	$$(call say,HOSTCC,$(1))
	@mkdir -p $$(@D)
	$(Q)$(2) $$(HOST_CFLAGS) $$($(notdir $(1))_CFLAGS) -MM -MP -MT $$@ $$(call host_test_sources,$(1)) >$$@.d
	$(Q)$(2) $$(HOST_CFLAGS) $$($(notdir $(1))_CFLAGS) -o $$@ $$(call host_test_sources,$(1)) $$($(notdir $(1))_LIBS) $(3)
-include $(BUILD)/host-tests/$(1).d
endef
$(foreach test,$(HOST_TESTS),$(eval $(call host_test_rules,$(test),$(HOSTCC),-lcmocka)))
$(foreach test,$(HOST_FUZZERS),$(eval $(call host_test_rules,$(test),clang -fsanitize=fuzzer -Wno-unknown-warning-option)))

.PHONY: test-host
test-host: $(addprefix $(BUILD)/host-tests/,$(HOST_TESTS) $(HOST_FUZZERS)) ## unit tests and short fuzzing on the host
	$(Q)tools/build/run_host_tests.sh $(BUILD) "$(HOST_TESTS)" \
		"$(foreach fuzzer,$(HOST_FUZZERS),$(fuzzer)=$(or $($(notdir $(fuzzer))_SLOWER),1))" $(FUZZ_RUNS)
