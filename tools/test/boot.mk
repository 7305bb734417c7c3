# SPDX-License-Identifier: MIT
.PHONY: test-boot
test-boot: $(BUILD)/starina.elf ## boots that end: panics, exit codes, what boot arguments do to the kernel
	$(Q)tools/test/boot_test.py $(BUILD)
