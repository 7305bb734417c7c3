# SPDX-License-Identifier: MIT
#
# All fuzzers for as long as one likes: those of the host tests (HOST_FUZZERS), and OS_FUZZERS, programs that boot the OS and
# take what tools/fuzz/fuzz.py says. Corpora and the log of what was run are kept in FUZZ_STATE, across builds.

MINUTES ?= 30
# FUZZ="PART ..." chooses those with PART in their names.
FUZZ ?=
FUZZ_STATE ?= $(or $(STARINA_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/starina)/fuzz
FUZZ_COMMAND = tools/fuzz/fuzz.py --build $(BUILD) --state '$(FUZZ_STATE)'

.PHONY: fuzz fuzz-report test-fuzz
fuzz: $(addprefix $(BUILD)/host-tests/,$(HOST_FUZZERS)) $(OS_FUZZ_IMAGES) ## every fuzzer with a fresh seed, MINUTES=30 in all (FUZZ="PART": some)
	$(Q)$(FUZZ_COMMAND) --minutes $(MINUTES) --only '$(FUZZ)' --host '$(HOST_FUZZERS)' --os '$(OS_FUZZERS)'

fuzz-report: ## what was fuzzed so far: executions, CPU-hours, crashes
	$(Q)$(FUZZ_COMMAND) --report

test-fuzz: ## the tool behind `make fuzz`
	$(Q)tools/fuzz/fuzz_test.py
