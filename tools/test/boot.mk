# SPDX-License-Identifier: MIT
#
# Images of tools/test/boot_test.py. Their apps are single files of tools/test/apps, in no other image.

BOOT_IMAGES := starina-boot-unmet starina-boot-cycle starina-boot-twice starina-boot-mistakes
BOOT_APPS := $(patsubst tools/test/apps/%.c,%,$(wildcard tools/test/apps/*.c))

define boot_app_rules
$(BUILD)/apps/$(1).o: $(BUILD)/obj/tools/test/apps/$(1).o $(BUILD)/libs/starina.a $(BUILD)/libs/base.a \
		tools/build/link_app.sh
	$$(call say,LINK,tools/test/apps/$(1).c)
	@mkdir -p $$(@D)
	$(Q)tools/build/link_app.sh $(CROSS_COMPILE) $(1) $$@ $$(filter %.o,$$^) -- $$(filter %.a,$$^) $(LIBGCC)
endef
$(foreach app,$(BOOT_APPS),$(eval $(call boot_app_rules,$(app))))

# hello comes last: apps are started in this order.
$(eval $(call image_rules,starina-boot-unmet,test_unmet test_behind test_device test_power hello))
$(eval $(call image_rules,starina-boot-cycle,hello test_cycle_a test_cycle_b))
$(eval $(call image_rules,starina-boot-twice,hello echo test_twice))
$(eval $(call image_rules,starina-boot-mistakes,test_leaf test_undeclared test_status hello))

.PHONY: test-boot test-build
test-boot: $(BUILD)/starina.elf $(patsubst %,$(BUILD)/%.elf,$(BOOT_IMAGES)) ## boots that end: panics, exit codes, what boot arguments do, errors in the service table
	$(Q)tools/test/boot_test.py $(BUILD)

# tools/build/isolation_test.py links images of its own of them.
test-build: $(BUILD)/starina.elf $(patsubst apps/%/main.c,$(BUILD)/apps/%.o,$(wildcard apps/*/main.c)) ## the build refuses what may not be in apps, kernel and headers
	$(Q)CROSS_COMPILE=$(CROSS_COMPILE) tools/test/build_checks_test.sh $(BUILD)
	$(Q)tools/build/isolation_test.py $(BUILD)
