# SPDX-License-Identifier: MIT
#
# All fuzzers for as long as one likes: those of the host tests (HOST_FUZZERS), and OS_FUZZERS, programs that boot the OS and
# take what tools/fuzz/fuzz.py says. Corpora and the log of what was run are kept in FUZZ_STATE, across builds.

MINUTES ?= 30
# FUZZ="PART ..." chooses those with PART in their names.
FUZZ ?=
FUZZ_STATE ?= $(or $(STARINA_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/starina)/fuzz
FUZZ_COMMAND = tools/fuzz/fuzz.py --build $(BUILD) --state '$(FUZZ_STATE)'

# --- System calls, from within the OS ---

# With a runtime, which process_map_runtime finds.
FUZZ_APPS := syscall_fuzz fuzz_caller_a fuzz_caller_b fuzz_caller_c js
$(eval $(call image_rules,starina-syscalls,$(FUZZ_APPS)))
$(eval $(call image_rules,starina-syscalls-user,$(FUZZ_APPS),user))
OS_FUZZERS += tools/fuzz/syscalls.py
OS_FUZZ_IMAGES += $(BUILD)/starina-syscalls.elf $(BUILD)/starina-syscalls-user.elf debug-images

.PHONY: test-os-fuzz

# Short, with a fixed seed: the gate's part.
test-os-fuzz: $(BUILD)/starina-syscalls.elf $(BUILD)/starina-syscalls-user.elf debug-images ## random system calls from within the OS
	$(Q)tools/fuzz/syscalls.py --build $(BUILD) --machine plain-1 --calls 400000
	$(Q)tools/fuzz/syscalls.py --build $(BUILD) --machine user-4 --calls 100000 --fence-rarity 16
	$(Q)tools/fuzz/syscalls.py --build $(BUILD) --machine debug-4 --calls 60000


.PHONY: fuzz fuzz-report test-fuzz
fuzz: $(addprefix $(BUILD)/host-tests/,$(HOST_FUZZERS)) $(OS_FUZZ_IMAGES) ## every fuzzer with a fresh seed, MINUTES=30 in all (FUZZ="PART": some)
	$(Q)$(FUZZ_COMMAND) --minutes $(MINUTES) --only '$(FUZZ)' --host '$(HOST_FUZZERS)' --os '$(OS_FUZZERS)'

fuzz-report: ## what was fuzzed so far: executions, CPU-hours, crashes
	$(Q)$(FUZZ_COMMAND) --report

test-fuzz: ## the tool behind `make fuzz`
	$(Q)tools/fuzz/fuzz_test.py
