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

# NAME_SRCS is the test's own: two tests of one name would each be built with the other's sources.
host_test_names := $(notdir $(HOST_TESTS) $(HOST_FUZZERS))
$(foreach name,$(sort $(host_test_names)),$(if $(filter 1,$(words $(filter $(name),$(host_test_names)))),,\
	$(error two host tests are named $(name): rename one, with its $(name)_SRCS)))

# Tests with the same compiler and flags share their objects. A set of objects is named by them.
empty :=
space := $(empty) $(empty)
HOST_TESTS_CC := $(HOSTCC)
HOST_FUZZERS_CC := clang -fsanitize=fuzzer-no-link -Wno-unknown-warning-option
# An app's main is called as a thread's entry, whose argument is a pointer to anything.
# A need of a spec leaves out what its kind does not have: gcc takes that.
HOST_FUZZERS_CFLAGS := -fno-sanitize=function -Wno-missing-field-initializers
host_test_set = $(BUILD)/host-tests/obj/$(1)$(subst =,_,$(subst /,_,$(subst $(space),,$($(notdir $(2))_CFLAGS))))
host_test_objects = $(patsubst %.c,$(call host_test_set,$(1),$(2))/%.o,$(filter %.c,$(2).c $($(notdir $(2))_SRCS)))

# (set, compiler, flags)
define host_object_rules
ifeq ($(filter $(1),$(host_test_sets)),)
host_test_sets += $(1)
$(1)/%.o: %.c
	$$(call say,HOSTCC,$$<)
	@mkdir -p $$(@D)
	$(Q)$(2) $$(HOST_CFLAGS) $(3) -MMD -MP -c -o $$@ $$<
endif
endef

# (TESTS or FUZZERS, the test, linker, libraries)
define host_test_rules
$(eval $(call host_object_rules,$(call host_test_set,$(1),$(2)),$(HOST_$(1)_CC),$(HOST_$(1)_CFLAGS) $($(notdir $(2))_CFLAGS)))
$(BUILD)/host-tests/$(2): $(call host_test_objects,$(1),$(2))
	@mkdir -p $$(@D)
	$(Q)$(3) -fsanitize=address,undefined $($(notdir $(2))_CFLAGS) -o $$@ $$^ $($(notdir $(2))_LIBS) $(4)
HOST_TEST_OBJECTS += $(call host_test_objects,$(1),$(2))
endef
$(foreach test,$(HOST_TESTS),$(eval $(call host_test_rules,TESTS,$(test),$(HOSTCC),-lcmocka)))
$(foreach test,$(HOST_FUZZERS),$(eval $(call host_test_rules,FUZZERS,$(test),clang -fsanitize=fuzzer)))
-include $(patsubst %.o,%.d,$(sort $(HOST_TEST_OBJECTS)))

# HOST_TESTS_LEFT_OUT="TEST..." runs all but these.
HOST_TESTS_TO_RUN = $(filter-out $(HOST_TESTS_LEFT_OUT),$(HOST_TESTS))
.PHONY: test-host
test-host: $(addprefix $(BUILD)/host-tests/,$(HOST_TESTS_TO_RUN) $(HOST_FUZZERS)) ## unit tests and short fuzzing on the host
	$(Q)tools/build/run_host_tests.sh $(BUILD) "$(HOST_TESTS_TO_RUN)" \
		"$(foreach fuzzer,$(HOST_FUZZERS),$(fuzzer)=$(or $($(notdir $(fuzzer))_SLOWER),1))" $(FUZZ_RUNS)
