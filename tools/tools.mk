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

TOOLS_CFLAGS := -std=gnu11 -D_GNU_SOURCE -DSTARINA_HOST -O2 -g -I. -Wall -Wextra -Wconversion -Wsign-conversion \
	-Wshadow -Wundef -Wmissing-prototypes -Wvla -Werror
IMAGE_LIBS := -larchive -ljansson -lcrypto

COMMON_SRCS := $(sort $(filter-out %_test.c,$(wildcard tools/common/*.c))) libs/base/closest.c
# What reads app files.
APP_BYTES_SRCS := tools/push/app_bytes.c $(addprefix libs/loader/,elf.c loader.c segments.c spec.c symbols.c) \
	libs/base/fmt.c libs/base/span.c
IMAGE_SRCS := $(sort $(filter-out %_test.c %_fuzz.c,$(wildcard tools/image/*.c tools/image/*/*.c)))
RUN_SRCS := $(sort $(filter-out %_test.c %_fuzz.c,$(wildcard tools/run/*.c tools/run/*/*.c)) \
	$(addprefix tools/image/,config/environment.c source/reference.c config/words.c digest_text.c) $(APP_BYTES_SRCS) \
	libs/locks/locks.c libs/locks/fuse_lock.c)

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

$(BUILD)/host/starina-push: $(call host_objs,tools/push/main.c $(APP_BYTES_SRCS) $(COMMON_SRCS))
	$(call say,HOSTLD,$@)
	$(Q)$(HOSTCC) -o $@ $^

-include $(patsubst %.o,%.d,$(call host_objs,$(IMAGE_SRCS) $(COMMON_SRCS) $(RUN_SRCS) tools/push/main.c))

# A change of the app's source is in the system that runs within a second.
.PHONY: push
push: $(if $(filter push,$(MAKECMDGOALS)),$(BUILD)/apps/$(APP).app) $(BUILD)/host/starina-push ## replace APP=NAME in the system that runs
	$(Q)$(BUILD)/host/starina-push $(BUILD) $<
ifneq ($(filter push,$(MAKECMDGOALS)),)
ifeq ($(filter $(C_APPS) $(SCRIPT_APPS),$(APP)),)
$(error make push APP=NAME: $(if $(APP),there is no app $(APP),APP is not set). There are: $(sort $(C_APPS) $(SCRIPT_APPS)))
endif
endif

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
host-tools: $(BUILD)/host/starina-image $(BUILD)/host/starina-run $(BUILD)/host/starina-push
default-image: $(BUILD)/image/default/root.squashfs $(BUILD)/image/userland/root.squashfs
# All that run.sh needs.
run-files: $(BUILD)/starina.elf $(BUILD)/apps/vmm.app $(BUILD)/guest/initramfs.cpio host-tools default-image

# NAME=x NEEDS="SERVICE ...".
.PHONY: new-app
new-app: ## make apps/NAME/main.c of a new app, which builds; NEEDS="SERVICE..."
	$(Q)tools/build/new_app.py '$(NAME)' $(NEEDS)

# E2E="PART-OF-A-NAME ..." chooses among the tests.
E2E ?=
E2E_IMAGES := $(addprefix starina,-crowd -linux -linux-test -net -reaper)
.PHONY: test-e2e test-e2e-kernel test-e2e-user
test-e2e: run-files system-image $(BUILD)/host/system $(BUILD)/apps/counter.app $(E2E_IMAGES:%=$(BUILD)/%.elf) ## end-to-end tests: a registry on loopback, images, run.sh as a user calls it
	$(Q)BUILD=$(BUILD) tools/e2e/e2e.py $(E2E)

.PHONY: test-hostfs-kills
test-hostfs-kills: ## kills hostfs 100 times under load (HOSTFS_KILLS)
	$(Q)HOSTFS_KILLS=$(or $(HOSTFS_KILLS),100) $(MAKE) --no-print-directory test-e2e E2E=hostfs_is_killed

.PHONY: soak-engine test-engine-software test-engine-suites
soak-engine: ## 1,000 times docker run, 8 at a time (ENGINE_RUNS), 100 kills of each of its apps (ENGINE_KILLS): nothing of them is left; 32 at once (ENGINE_CROWD); 500 times docker exec (ENGINE_EXECS)
	$(Q)ENGINE_RUNS=$(or $(ENGINE_RUNS),1000) ENGINE_KILLS=$(or $(ENGINE_KILLS),100) ENGINE_CROWD=$(or $(ENGINE_CROWD),32) ENGINE_EXECS=$(or $(ENGINE_EXECS),500) E2E_RUN_LIMIT=14400 \
		$(MAKE) --no-print-directory test-e2e E2E="engine_crowd engine_kills engine_memory exec_again_and_again"

test-engine-software: ## the software of docs/containers.md, by docker's client through the engine
	$(Q)ENGINE_SOFTWARE=1 E2E_RUN_LIMIT=3600 $(MAKE) --no-print-directory test-e2e E2E=engine_software

test-engine-suites: ## suites of docker's API that others have written, against the engine
	$(Q)ENGINE_SUITES=1 E2E_RUN_LIMIT=7200 $(MAKE) --no-print-directory test-e2e E2E=engine_suites

.PHONY: crash-states
crash-states: $(BUILD)/host-tests/libs/ext4/crash_test ## what a power cut may leave of an ext4 disk, looked at (STATES, SEED)
	$(Q)EXT4_CRASH_STATES=$(or $(STATES),1000000) EXT4_CRASH_SEED=$(or $(SEED),1) $<

.PHONY: test-hostfs-work
test-hostfs-work: ## work in host folders in full: 200 C files, 20,000 files, the programs with a model for an hour (HOSTFS_STRESS_SECONDS each)
	$(Q)HOSTFS_STRESS_SECONDS=$(or $(HOSTFS_STRESS_SECONDS),1800) $(MAKE) --no-print-directory test-e2e E2E=volume_work.

.PHONY: test-volume-work
test-volume-work: ## the same on a volume, with git of the whole project; the programs with a model for an hour in all (MINUTES)
	$(Q)VOLUME_STRESS_SECONDS=$$(($(or $(MINUTES),60) * 30)) $(MAKE) --no-print-directory test-e2e E2E=on_a_volume.

.PHONY: test-file-calls
test-file-calls: ## 3,700 calls on files: a volume and a folder of the host say what the guest's own ext4 says
	$(Q)FILE_CALLS="opens paths renames listings rights owners set-ids times content memory attributes locks nameless" E2E_RUN_LIMIT=7200 \
		$(MAKE) --no-print-directory test-e2e E2E=file_calls.

# The same images with all apps in the kernel, and all in user mode. Of each way between two apps, those tests that go it and find one of
# them elsewhere than in the usual image: there the drivers and the switch are in the kernel, all others in user mode.
E2E_OF_BOTH := container.exit container.megabyte container.conversation container_net.published disk.kept linux_api.containers \
	net.download net.upload
E2E_OF_kernel := container.sigterm linux_api.commands_by linux_api.gateway files. net.tcpip net.as_many net.bad
E2E_OF_user := disk.driver_is_killed switch.
# Two at a time: in the gate test-e2e runs beside them.
test-e2e-kernel: ## some of them with all apps in the kernel
test-e2e-user: ## the same with all apps in user mode
test-e2e-kernel test-e2e-user: test-e2e-%: run-files $(BUILD)/starina-%.elf \
		$(foreach image,$(E2E_IMAGES),$(BUILD)/$(image)-%.elf)
	$(Q)BUILD=$(BUILD) E2E_JOBS=$${E2E_JOBS:-2} E2E_ISOLATION=$* tools/e2e/e2e.py $(or $(E2E),$(E2E_OF_BOTH) $(E2E_OF_$*))
