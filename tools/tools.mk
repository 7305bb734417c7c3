# SPDX-License-Identifier: MIT
#
# The tools that run on the host, and the built-in container image. Included by the Makefile.
#   host-tools     build the tools into $(BUILD)/host/
#   default-image  pack the built-in images: the container into $(BUILD)/image/default/, the userland of commands into
#                  $(BUILD)/image/userland/
#   run-files      these, the OS and the guest's initramfs: all that run.sh needs

BUILD ?= build
HOSTCC ?= cc
CROSS_COMPILE ?= riscv64-linux-gnu-

TOOLS_CFLAGS := -std=gnu11 -D_GNU_SOURCE -O2 -g -I. -Wall -Wextra -Wconversion -Wsign-conversion \
	-Wshadow -Wundef -Wmissing-prototypes -Wvla -Werror
IMAGE_LIBS := -larchive -ljansson -lcrypto

COMMON_SRCS := $(sort $(filter-out %_test.c,$(wildcard tools/common/*.c))) libs/base/closest.c
IMAGE_SRCS := $(sort $(filter-out %_test.c %_fuzz.c,$(wildcard tools/image/*.c tools/image/*/*.c)))
RUN_SRCS := $(sort $(filter-out %_test.c %_fuzz.c,$(wildcard tools/run/*.c tools/run/*/*.c)) \
	$(addprefix tools/image/,config/environment.c source/reference.c config/words.c digest_text.c))

host_objs = $(patsubst %.c,$(BUILD)/host/obj/%.o,$(1))

$(BUILD)/host/obj/%.o: %.c
	$(call say,HOSTCC,$<)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(TOOLS_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/host/starina-image: $(call host_objs,$(IMAGE_SRCS) $(COMMON_SRCS))
	$(call say,HOSTLD,$@)
	$(Q)$(HOSTCC) -o $@ $^ $(IMAGE_LIBS)

$(BUILD)/host/starina-run: $(call host_objs,$(RUN_SRCS) $(COMMON_SRCS))
	$(call say,HOSTLD,$@)
	$(Q)$(HOSTCC) -o $@ $^ -larchive -ljansson

-include $(patsubst %.o,%.d,$(call host_objs,$(IMAGE_SRCS) $(COMMON_SRCS) $(RUN_SRCS)))

# The built-in image: one static program.
$(BUILD)/image/demo/demo: guest/demo/demo.c
	$(call say,CC,$<)
	@rm -rf $(@D) && mkdir -p $(@D)
	$(Q)$(CROSS_COMPILE)gcc -std=gnu11 -Os -Wall -Wextra -Werror -static -o $@ $<
	$(Q)$(CROSS_COMPILE)strip $@
	$(Q)chmod 755 $@ $(@D)

$(BUILD)/image/default/root.squashfs: $(BUILD)/image/demo/demo tools/image/mklayout.sh $(BUILD)/host/starina-image
	$(call say,IMAGE,$(@D))
	$(Q)tools/image/mklayout.sh $(<D) $(BUILD)/image/layout '["/demo"]' '["PATH=/"]'
	$(Q)$(BUILD)/host/starina-image pack $(BUILD)/image/layout $(@D)

# What commands of libs/linux run in, unless they name an image.
$(BUILD)/image/userland/root.squashfs: third_party/busybox/busybox $(wildcard guest/userland/*) \
		tools/image/mklayout.sh $(BUILD)/host/starina-image
	$(call say,IMAGE,$(@D))
	$(Q)guest/userland/make_layout.sh $< $(BUILD)/image/userland-layout
	$(Q)$(BUILD)/host/starina-image pack $(BUILD)/image/userland-layout $(@D)

third_party/busybox/busybox:
	@echo 'busybox is missing: run ./setup.sh first' >&2; false

.PHONY: host-tools default-image run-files
host-tools: $(BUILD)/host/starina-image $(BUILD)/host/starina-run
default-image: $(BUILD)/image/default/root.squashfs $(BUILD)/image/userland/root.squashfs
# All that run.sh needs.
run-files: $(BUILD)/starina.elf $(BUILD)/guest/initramfs.cpio host-tools default-image

# E2E="PART-OF-A-NAME ..." chooses among the tests.
E2E ?=
.PHONY: test-e2e
test-e2e: run-files $(patsubst %,$(BUILD)/starina-%.elf,crowd linux net reaper) ## end-to-end tests: a registry on loopback, images, run.sh as a user calls it
	$(Q)BUILD=$(BUILD) tools/e2e/e2e.py $(E2E)
