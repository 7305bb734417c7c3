# SPDX-License-Identifier: MIT
# The guest's side of libs/linux: bootd, and the initramfs that holds it.
# Included by the top Makefile; alone: make -f guest/guest.mk BUILD=DIR

BUILD         ?= build
CROSS_COMPILE ?= riscv64-linux-gnu-
HOST_CC       ?= cc
Q             ?= @
CJSON_DIR     ?= third_party/cjson
GUEST_DIR     := guest
GUEST_BUILD   := $(BUILD)/guest

BOOTD_SOURCES := main.c kernel_log.c control_session.c control_requests.c control_frame.c control_out.c control_queries.c container_stats.c container_top.c stats_text.c process_table.c added_process.c added_child.c process_init.c process_ends.c config.c config_mounts.c config_devices.c config_process.c config_json.c capability.c \
	container_process.c stdio_relay.c console_port.c wall_clock.c container_init.c init_process.c mount.c shares.c added_mounts.c volume_fill.c image_path.c rootfs.c prepare.c rehearsal_disk.c credentials.c container_user.c lookup.c \
	pty.c failure.c network.c network_files.c linger.c procfs.c guest_memory.c guest_limits.c cgroup.c touch.c archive.c archive_stat.c archive_get.c archive_put.c gzip.c inflate.c tar_read.c tar_write.c layer.c layer_changes.c layer_hidden.c layer_marks.c
BOOTD_OBJECTS := $(BOOTD_SOURCES:%.c=$(GUEST_BUILD)/bootd/%.o) $(GUEST_BUILD)/bootd/cJSON.o $(GUEST_BUILD)/bootd/ext4_make.o

GUEST_WARNINGS := -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Wundef -Wmissing-prototypes \
	-Wvla -Werror
BOOTD_CFLAGS := -std=gnu11 -D_GNU_SOURCE -Os -g -ffunction-sections -fdata-sections \
	-fno-asynchronous-unwind-tables -march=rv64gc -mabi=lp64d -I. -isystem $(CJSON_DIR)
BOOTD_LDFLAGS := -static -no-pie -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,norelro

.PHONY: guest-initramfs
guest-initramfs: $(GUEST_BUILD)/initramfs.cpio

$(GUEST_BUILD)/bootd/%.o: $(GUEST_DIR)/bootd/%.c
	@mkdir -p $(@D)
	$(call say,GUESTCC,$<)
	$(Q)$(CROSS_COMPILE)gcc $(BOOTD_CFLAGS) $(GUEST_WARNINGS) -MMD -MP -c -o $@ $<

$(GUEST_BUILD)/bootd/cJSON.o: $(CJSON_DIR)/cJSON.c
	@mkdir -p $(@D)
	$(Q)$(CROSS_COMPILE)gcc $(BOOTD_CFLAGS) -w -c -o $@ $<

# With a C library, as on the host.
$(GUEST_BUILD)/bootd/ext4_make.o: libs/ext4/make.c
	@mkdir -p $(@D)
	$(Q)$(CROSS_COMPILE)gcc $(BOOTD_CFLAGS) -DSTARINA_HOST $(GUEST_WARNINGS) -MMD -MP -c -o $@ $<

# With symbols, for debugging the guest; the initramfs gets a stripped copy.
$(GUEST_BUILD)/bootd.elf: $(BOOTD_OBJECTS)
	$(call say,GUESTLD,$@)
	$(Q)$(CROSS_COMPILE)gcc $(BOOTD_LDFLAGS) -o $@ $^

$(GUEST_BUILD)/bootd.stripped: $(GUEST_BUILD)/bootd.elf
	$(Q)$(CROSS_COMPILE)strip -o $@ $<

$(GUEST_BUILD)/mkinitramfs: $(GUEST_DIR)/mkinitramfs.c
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) -std=gnu11 -O1 $(GUEST_WARNINGS) -o $@ $<

$(GUEST_BUILD)/initramfs.cpio: $(GUEST_BUILD)/bootd.stripped $(GUEST_BUILD)/mkinitramfs
	$(Q)$(GUEST_BUILD)/mkinitramfs $@ $<

-include $(BOOTD_OBJECTS:.o=.d)
