# SPDX-License-Identifier: MIT
#
# The suites, and the two targets that run several: `make test` is the gate, `make check` its quick part. Each suite ends
# with a line `NAME: N passed, N failed`; tools/test/run_suites.sh adds them up.

.PHONY: test check test-os test-os-quick test-os-1 test-os-4 test-os-16 test-os-kernel test-os-user test-os-debug test-os-ts test-ts-virtio test-machines test-tools test-guest test-boots test-fresh
# The first take longest (see run_suites.sh).
SUITES := test-e2e test-host lint test-os-fuzz test-guest test-os-debug test-os-kernel test-os-1 test-os-4 test-os-user test-adversary \
	test-e2e-user test-e2e-kernel test-web test-build test-tools test-machines test-counts test-boot test-apps test-os-16 test-os-ts \
	test-ts test-ts-virtio test-js test-scripts
test: ## everything: lint, host tests, the OS in QEMU on 1 and 4 harts, containers end to end
	$(Q)tools/test/run_suites.sh $(BUILD) $(SUITES)

# Of what host tests do very often, a part, and not the one that takes longest.
check: ## the quick part of `make test`: lint without clang-tidy, host tests, one boot
	$(Q)HOST_TESTS_LEFT_OUT=libs/ext4/large_test FUZZ_RUNS=1000 EXT4_CRASH_STATES=1000 EXT4_KILLS=30 tools/test/run_suites.sh $(BUILD) test-host lint-quick test-os-quick

# For run_suites.sh: make FILES_ONLY="SUITE..." SUITE... makes what these need and does nothing of their own.
ifdef FILES_ONLY
$(FILES_ONLY): private SHELL := /bin/true
endif

test-os: test-os-1 test-os-4 ## the running OS, tested from within, on 1 and 4 harts

# All kills, deaths and machines on 4 harts, half of them on one; elsewhere a fifth, but of leaks, whose tests make what they need.
AUTOTEST_ROUNDS = --rounds $(or $(AUTOTEST_ROUNDS_$@),20)
AUTOTEST_ROUNDS_test-os-4 := 100
AUTOTEST_ROUNDS_test-os-1 := 50
test-os-1 test-os-4: test-os-%: $(BUILD)/starina-test.elf
	$(Q)tools/test/run_autotest.py --smp $* $(AUTOTEST_ROUNDS) $(BUILD)/starina-test.elf

# As many harts as the kernel takes, far more than this machine has: what is about threads.
test-os-16: $(BUILD)/starina-test.elf
	$(Q)tools/test/run_autotest.py --smp 16 --only thread $<

# All apps in one of the two ways that can be. autotest and what it kills are in the kernel in the usual image, too: what of the kernel
# they test is the same there, and what differs are drivers and services.
test-os-kernel: $(BUILD)/starina-test-kernel.elf ## drivers and services on 4 harts, all apps in the kernel
	$(Q)tools/test/run_autotest.py --smp 4 --drivers $(AUTOTEST_ROUNDS) $<

test-os-user: $(BUILD)/starina-test-user.elf ## the running OS on 4 harts, its apps in user mode
	$(Q)tools/test/run_autotest.py --smp 4 $(AUTOTEST_ROUNDS) $<

test-os-quick: $(BUILD)/starina-test.elf
	$(Q)tools/test/run_autotest.py --smp 2 --quick $<

# Images with the kernel's own checks: lock order, ownership of pointers.
.PHONY: debug-images
debug-images:
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) BUILD=$(BUILD)/debug DEBUG=1 \
		$(addprefix $(BUILD)/debug/starina-,test.elf syscalls.elf)

test-os-debug: debug-images ## the running OS on 4 harts, built with DEBUG=1
	$(Q)tools/test/run_autotest.py --smp 4 $(AUTOTEST_ROUNDS) $(BUILD)/debug/starina-test.elf

# Drivers in TypeScript in place of those in C: the same tests see no difference.
TS_DRIVERS := virtio_rng rtc virtio_blk
$(eval $(call image_rules,starina-test-ts,$(filter-out js $(TS_DRIVERS),$(TEST_APPS)) $(TS_DRIVERS:%=%_ts) js))
test-os-ts: $(BUILD)/starina-test-ts.elf ## the running OS on 4 harts, with drivers in TypeScript
	$(Q)tools/test/run_autotest.py --smp 4 --only "disk|wall clock|entropy" --append autotest.disk_driver=virtio_blk_ts $<

test-ts-virtio: ## TypeScript under node: the virtqueue, with devices that mean harm; http.fetch, and services whose clients go
	$(Q)ts/tests/test.sh $(BUILD)

# Apps that come and go.
MANAGER_APPS := app_manager apps_test echo
$(eval $(call image_rules,starina-apps,$(MANAGER_APPS),user))
.PHONY: test-apps
test-apps: $(BUILD)/starina-apps.elf ## the app manager, from within, on 4 harts
	$(Q)tools/test/run_autotest.py --smp 4 --quick $<

# What apps in TypeScript stand on: the C library, QuickJS by its own tests, and the runtime.
JS_APPS := js_test
$(eval $(call image_rules,starina-js,$(JS_APPS),user))
SCRIPT_TESTS := ported js runtime_ts throws_ts rejects_ts allocates_ts recurses_ts waits_ts floods_ts chaos_ts echo_ts virtio_rng_ts \
	kv_ts kv_client
$(eval $(call image_rules,starina-scripts,$(SCRIPT_TESTS),user))
.PHONY: test-js test-scripts
test-scripts: $(BUILD)/starina-scripts.elf ## what the runtime of scripts does by itself, and how they fail
	$(Q)tools/test/scripts_test.py $<
# Their channels and services.
$(eval $(call image_rules,starina-ts,js ts_test echo_ts))
test-js: $(BUILD)/starina-js.elf $(BUILD)/starina-ts.elf ## libs/c, QuickJS's own tests and apps in TypeScript, in the OS
	$(Q)tools/test/run_autotest.py --smp 2 --quick $<
	$(Q)tools/test/run_autotest.py --smp 2 --quick $(BUILD)/starina-ts.elf

# An app in user mode that does what it may not do, with one that starts it again and again.
ADVERSARY_APPS := adversary adversary_test echo
$(eval $(call image_rules,starina-adversary,$(ADVERSARY_APPS),user))
.PHONY: test-adversary
test-adversary: $(BUILD)/starina-adversary.elf ## user mode: an app that tries to harm others, on 4 harts
	$(Q)NM=$(NM) tools/test/adversary.sh $<

# QEMU=... tries another emulator.
test-machines: $(BUILD)/starina-test.elf ## the OS on other interrupt controllers, harts, addresses and device trees
	$(Q)CROSS_COMPILE=$(CROSS_COMPILE) tools/test/machines_test.py $(BUILD)

test-tools: ## the scripts: setup.sh, GDB commands, ./starina, make services, make fuzz
	$(Q)tools/setup/setup_test.sh
	$(Q)tools/gdb/starina_test.sh
	$(Q)tools/starina/starina_test.py
	$(Q)tools/services/services_test.py
	$(Q)tools/fuzz/fuzz_test.py

test-guest: $(BUILD)/guest/initramfs.cpio ## bootd in a plain QEMU machine
	$(Q)guest/tests/bootd_test.py --kernel third_party/guest-kernel/Image --build $(BUILD)

BOOTS ?= 300
test-boots: $(BUILD)/starina-boot-unmet.elf ## BOOTS boots in a row on 4 harts; not in the gate
	$(Q)tools/test/many_boots.py $< $(BOOTS) 4

test-fresh: ## from nothing in a Debian 12 chroot (needs root and 8 GiB in /var/tmp)
	$(Q)tools/test_fresh.sh $(FRESH_ARGS)
