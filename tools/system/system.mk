# SPDX-License-Identifier: MIT
#
# The system container, in which Linux pulls images for Starina (docs/engine.md): Debian's riscv64 packages, which setup.sh
# fetches, and /system, the image tool built for riscv64. Only ./run.sh --engine needs it.
#   system-image  pack it into $(BUILD)/image/system/

SYSTEM_SRCS := $(sort $(filter-out %_test.c %_fuzz.c,$(wildcard tools/system/*.c))) \
	$(filter-out tools/image/main.c tools/image/cache.c tools/image/hash_openssl.c,$(IMAGE_SRCS)) $(COMMON_SRCS)
SYSTEM_OBJS := $(SYSTEM_SRCS:%.c=$(BUILD)/system/obj/%.o)
SYSTEM_PACKAGES := $(BUILD)/system/packages

# A link to them in the cache, which may have been emptied.
$(BUILD)/system/stamp: tools/deps.lock tools/setup/system.sh $(if $(wildcard $(SYSTEM_PACKAGES)/dev),,system-again)
	@mkdir -p $(@D)
	$(Q)packages=$$(./setup.sh --for system) && ln -sfn "$$packages" $(SYSTEM_PACKAGES) && touch $@

.PHONY: system-again
system-again:

$(SYSTEM_OBJS): $(BUILD)/system/obj/%.o: %.c $(BUILD)/system/stamp
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CROSS_COMPILE)gcc $(TOOLS_CFLAGS) -isystem $(SYSTEM_PACKAGES)/dev/include -MMD -MP -c -o $@ $<
-include $(SYSTEM_OBJS:.o=.d)

$(BUILD)/system/system: $(SYSTEM_OBJS) tools/system/glibc.ld
	$(call say,LD,$@)
	$(Q)$(CROSS_COMPILE)gcc -static -o $@ $^ $(addprefix $(SYSTEM_PACKAGES)/dev/lib/lib,\
		$(addsuffix .a,archive jansson md z bz2 lzma zstd))
	$(Q)$(CROSS_COMPILE)strip $@

$(BUILD)/image/system/root.squashfs: $(BUILD)/system/system tools/image/mklayout.sh $(BUILD)/host/starina-image $(BUILD)/system/stamp
	$(call say,IMAGE,$(@D))
	$(Q)rm -rf $(BUILD)/system/root && cp -a $(SYSTEM_PACKAGES)/root $(BUILD)/system/root && cp $< $(BUILD)/system/root/system
	$(Q)tools/image/mklayout.sh $(BUILD)/system/root $(BUILD)/image/system-layout '["/system"]' \
		'["PATH=/usr/bin","HOME=/root"]'
	$(Q)$(BUILD)/host/starina-image pack $(BUILD)/image/system-layout $(BUILD)/image/system-new
	@# A machine that runs keeps the one that it has.
	$(Q)rm -rf $(@D) && mv $(BUILD)/image/system-new $(@D)
	$(Q)rm -rf $(BUILD)/system/root $(BUILD)/image/system-layout

.PHONY: system-image
system-image: $(BUILD)/image/system/root.squashfs

# The same program for the host, for tests.
$(BUILD)/host/system: $(call host_objs,$(filter-out tools/system/hash_md.c,$(SYSTEM_SRCS)) tools/image/hash_openssl.c)
	$(call say,HOSTLD,$@)
	$(Q)$(HOSTCC) -o $@ $^ $(IMAGE_LIBS)
-include $(patsubst %.o,%.d,$(call host_objs,$(filter %.c,$(wildcard tools/system/*.c))))
