# SPDX-License-Identifier: MIT
#
# `make help` lists the targets. Variables: V=1 shows commands, DEBUG=1 adds the kernel's own checks,
# BUILD=DIR builds elsewhere, APPS="..." chooses what is linked into the image, ISOLATION=user gives apps an address space each.

APPS ?= hello echo echo_client virtio_net virtio_blk virtio_console virtio_rng rtc netswitch tcpip httpd hostfs fs linuxrun commands app_manager push hostctl dns containers images engine js shell
# The image that `make test` boots: the same, and what tests it from within. push would end midway, for want of a port.
TEST_APPS ?= $(filter-out echo_client push hostctl dns containers images engine js shell,$(APPS)) autotest victim vm_victim
# The image of the tests with many virtual machines.
CROWD_APPS ?= virtio_net virtio_blk virtio_console virtio_rng rtc netswitch httpd tcpip reaper vm_crowd
# The usual image with an app that kills drivers.
REAPER_APPS ?= $(APPS) reaper
# The image of the network tests.
NET_APPS ?= virtio_net virtio_rng netswitch tcpip httpd reaper http_test
# The image of the Linux API's tests and examples.
LINUX_APPS ?= virtio_net virtio_blk virtio_rng rtc netswitch tcpip linux_ls container_hello linux_test gateway
# Tests of that API, with nobody else who runs Linux.
LINUX_TEST_APPS ?= virtio_net virtio_blk virtio_console virtio_rng rtc netswitch tcpip hostfs fs commands linux_test

# How apps run that do not say it themselves (APP_NAME_ISOLATION in their app.mk): in the kernel's address space, or in one of
# their own.
ISOLATION ?= kernel

BUILD ?= build
# One spelling of each directory: dependency files name their objects by it, and run.sh gives an absolute one.
override BUILD := $(patsubst $(CURDIR)/%,%,$(abspath $(BUILD)))
# A goal may be given with its full path all the same.
$(CURDIR)/$(BUILD)/%: $(BUILD)/% ;
CROSS_COMPILE ?= riscv64-linux-gnu-
CC := $(CROSS_COMPILE)gcc
LD := $(CROSS_COMPILE)ld
AR := $(CROSS_COMPILE)ar
NM := $(CROSS_COMPILE)nm
OBJCOPY := $(CROSS_COMPILE)objcopy
OBJDUMP := $(CROSS_COMPILE)objdump
HOSTCC ?= cc
# libatomic has what the compiler does not make itself: atomic operations on bytes and half words.
LIBGCC := $(shell $(CC) -print-libgcc-file-name 2>/dev/null)
LIBATOMIC := $(shell $(CC) -print-file-name=libatomic.a 2>/dev/null)
V ?= 0
DEBUG ?= 0
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-8s %s\n' '$(1)' '$(2)')

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.PHONY: all
all: run-files ## the OS and all that ./run.sh needs

# What setup.sh fetches; everything but these is in the repository.
ifneq ($(words $(wildcard $(patsubst %,third_party/%/.stamp,lwip libfdt cjson quickjs picolibc))),5)
ifneq ($(filter-out help clean,$(or $(MAKECMDGOALS),all)),)
$(error third-party sources are missing: run ./setup.sh first)
endif
endif

WARNINGS := -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Wundef -Wmissing-prototypes \
	-Wstrict-prototypes -Wvla -Werror
# Frame pointers are what backtraces walk. gp and tp belong to the kernel: no relaxation to gp.
CFLAGS := -std=gnu11 -O2 -g -march=rv64gc -mabi=lp64d -mcmodel=medany -mno-relax -mstrict-align -ffreestanding -fno-pic \
	-fno-common -fno-omit-frame-pointer -fno-stack-protector -fno-asynchronous-unwind-tables \
	-ffunction-sections -fdata-sections -ffile-prefix-map=$(CURDIR)/= \
	-DSTARINA_DEBUG=$(DEBUG) $(WARNINGS) -I. -isystem third_party/libfdt
# -MD: lwIP and its configuration are in "system" folders.
DEPFLAGS = -MD -MP

# A file that changes when a text does: what depends on it is rebuilt then.
stamp = $(shell mkdir -p $(dir $(1)) && printf '%s\n' '$(2)' | cmp -s - $(1) || printf '%s\n' '$(2)' > $(1))$(1)
FLAGS_STAMP := $(call stamp,$(BUILD)/gen/flags,$(CC) $(CFLAGS))

# --- Objects ---------------------------------------------------------------------------------------

$(BUILD)/obj/%.o: %.c $(FLAGS_STAMP)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(EXTRA_CFLAGS) $(DEPFLAGS) -c -o $@ $<

$(BUILD)/obj/%.S.o: %.S $(FLAGS_STAMP)
	$(call say,AS,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(EXTRA_CFLAGS) $(DEPFLAGS) -D__ASSEMBLER__ -c -o $@ $<

# The paths of the most frequent calls. They leave s0 alone, so that backtraces go on behind them, but are not in these themselves.
HOT := kernel/syscall/channel kernel/syscall/poll_wait kernel/object/poll kernel/object/poll_wait kernel/sched/sched \
	kernel/sched/wait_queue kernel/arch/riscv64/arch_thread kernel/syscall/vcpu_run kernel/arch/riscv64/hv/run kernel/arch/riscv64/hv/exit \
	kernel/arch/riscv64/hv/mmio kernel/arch/riscv64/hv/insn kernel/object/channel \
	kernel/object/channel_send kernel/object/channel_recv kernel/object/channel_message kernel/object/handle \
	kernel/syscall/folio kernel/object/space kernel/object/space_folio kernel/arch/riscv64/arch_space kernel/arch/riscv64/user_access \
	kernel/arch/riscv64/app_memory kernel/syscall/user
# The handlers of the most frequent calls are compiled for callers in user mode, too.
USER_CALLS := kernel/syscall/channel kernel/syscall/poll_wait kernel/syscall/vcpu_run
HOT += $(USER_CALLS:%=%.user)
$(USER_CALLS:%=$(BUILD)/obj/%.user.o): $(BUILD)/obj/%.user.o: %.c $(FLAGS_STAMP)
	$(call say,CC,$< (callers in user mode))
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(EXTRA_CFLAGS) -DSTARINA_USER_CALLS $(DEPFLAGS) -c -o $@ $<
$(HOT:%=$(BUILD)/obj/%.o): EXTRA_CFLAGS += -fomit-frame-pointer -ffixed-s0

objects = $(patsubst %,$(BUILD)/obj/%.o,$(1:.c=))
not_tests = $(filter-out %_test.c %_fuzz.c %_fake.c,$(1))

# Third-party sources are compiled as they are, without our warnings.
$(BUILD)/obj/third_party/%.o: EXTRA_CFLAGS += -w

# --- Libraries -------------------------------------------------------------------------------------
# libs/NAME/*.c and *.S, those of its folders, and what libs/NAME/lib.mk adds to LIB_NAME_SRCS. LIB_NAME_NEEDS names
# libraries that it uses. Each app links a copy of its own.

LIBS := $(sort $(foreach file,$(wildcard libs/*/*.c libs/*/*/*.c libs/*/lib.mk),$(word 2,$(subst /, ,$(file)))))
define lib_rules
LIB_$(1)_SRCS := $(call not_tests,$(wildcard libs/$(1)/*.c libs/$(1)/*/*.c)) $(wildcard libs/$(1)/*.S)
-include $(wildcard libs/$(1)/lib.mk)
endef
$(foreach lib,$(LIBS),$(eval $(call lib_rules,$(lib))))
define lib_archive
$(BUILD)/libs/$(1).a: $$(call objects,$$(LIB_$(1)_SRCS))
	$$(call say,AR,$$@)
	@mkdir -p $$(@D)
	$(Q)rm -f $$@ && $(AR) crsD $$@ $$^
endef
$(foreach lib,$(LIBS),$(eval $(call lib_archive,$(lib))))

LIB_fdt_SRCS := $(patsubst %,third_party/libfdt/%.c,fdt fdt_ro fdt_rw fdt_wip fdt_sw fdt_empty_tree fdt_strerror fdt_addresses fdt_check)
$(eval $(call lib_archive,fdt))

# --- Apps ------------------------------------------------------------------------------------------
# apps/NAME/*.c and its folders', linked with `base`, `starina` and APP_NAME_LIBS of apps/NAME/app.mk. tools/build/link_app.sh
# keeps only the spec symbol global and refuses what an app may not contain.

C_APPS := $(patsubst apps/%/main.c,%,$(wildcard apps/*/main.c))
# Apps in TypeScript (docs/typescript.md): folders with a main.ts.
SCRIPT_FOLDERS := $(patsubst %/main.ts,%,$(wildcard apps/*/main.ts ts/examples/*/main.ts ts/tests/*/main.ts))
SCRIPT_APPS := $(notdir $(SCRIPT_FOLDERS))
twin_apps := $(strip $(foreach app,$(sort $(SCRIPT_APPS)),$(if $(word 2,$(filter $(app),$(SCRIPT_APPS) $(C_APPS))),$(app))))
$(if $(twin_apps),$(error there are two apps of one name: $(twin_apps)))

no_such_apps := $(strip $(filter-out $(C_APPS) $(SCRIPT_APPS),$(APPS)))
ifneq ($(no_such_apps),)
$(error APPS names what is not an app: $(no_such_apps). There are: $(sort $(C_APPS) $(SCRIPT_APPS)))
endif

-include $(wildcard apps/*/app.mk)
app_libs = $(sort $(APP_$(1)_LIBS) $(foreach lib,$(APP_$(1)_LIBS),$(LIB_$(lib)_NEEDS)) starina base)
define app_rules
APP_$(1)_OBJS := $$(call objects,$$(call not_tests,$$(wildcard apps/$(1)/*.c apps/$(1)/*/*.c))) $$(APP_$(1)_GENERATED)
$(BUILD)/apps/$(1).o: $$(APP_$(1)_OBJS) $$(patsubst %,$(BUILD)/libs/%.a,$$(call app_libs,$(1))) \
		tools/build/link_app.sh
	$$(call say,LINK,apps/$(1))
	@mkdir -p $$(@D)
	$(Q)PRIVILEGED=$$(APP_$(1)_PRIVILEGED) tools/build/link_app.sh $(CROSS_COMPILE) $(1) $$@ $$(filter %.o,$$^) -- $$(filter %.a,$$^) $(LIBGCC) $(LIBATOMIC)
endef
$(foreach app,$(C_APPS),$(eval $(call app_rules,$(app))))
# What is made of them is kept, whatever it was made for.
.SECONDARY: $(foreach kind,elf app,$(C_APPS:%=$(BUILD)/apps/%.$(kind)))

# An app in user mode is the same object, linked for an address space of its own (NAME.elf) and flattened for the kernel image
# (NAME.user.o). Each image has one form of an app or the other.
USER_OBJS := $(patsubst %,$(BUILD)/obj/%.o,$(wildcard libs/starina/user/*.S))
.SECONDARY: $(USER_OBJS)
$(BUILD)/apps/%.elf: $(BUILD)/apps/%.o $(USER_OBJS) boot/user_app.ld
	$(call say,LINK,$@)
	$(Q)$(LD) -nostdlib -static --no-relax -z noexecstack -z max-page-size=4096 -e 0 -T boot/user_app.ld -o $@ $(filter %.o,$^)
$(BUILD)/apps/%.user.c: $(BUILD)/apps/%.elf tools/build/flatten_app.py tools/build/elf_reader.py
	$(Q)tools/build/flatten_app.py $* $< $@
$(BUILD)/apps/%.user.o: $(BUILD)/apps/%.user.c $(FLAGS_STAMP)
	$(Q)$(CC) $(CFLAGS) $(DEPFLAGS) -c -o $@ $<
# The same with its spec, for a system that runs to load (docs/app-format.md).
$(BUILD)/apps/%.app: $(BUILD)/apps/%.elf tools/build/app_file.py tools/build/flatten_app.py tools/build/elf_reader.py
	$(call say,APP,$@)
	$(Q)tools/build/app_file.py $(OBJCOPY) $* $< $@

# An app in TypeScript is a script for the runtime js, in user mode always: ts/tool makes of it what the two rules above make.
# Also modules that several apps import, as ts/virtio.
SCRIPT_TOOL := $(wildcard ts/tool/*.mjs ts/*.d.ts ts/*/*.ts) ts/tsconfig.json
define script_rules
APP_$(notdir $(1))_ONLY := user
$(BUILD)/apps/$(notdir $(1)).app: $$(shell find $(1) -name '*.ts' -o -name '*.json') $$(SCRIPT_TOOL) | third_party/web/.stamp
	$$(call say,TS,$$@)
	$(Q)ts/tool/main.mjs $(1) --name $(notdir $(1)) --app $$@ >/dev/null
$(BUILD)/apps/$(notdir $(1)).user.c: $$(shell find $(1) -name '*.ts' -o -name '*.json') $$(SCRIPT_TOOL) | third_party/web/.stamp
	$$(call say,TS,$(1))
	$(Q)ts/tool/main.mjs $(1) --name $(notdir $(1)) --image $$@ >/dev/null
endef
$(foreach folder,$(SCRIPT_FOLDERS),$(eval $(call script_rules,$(folder))))

# $(call check_isolation,VALUE,WHERE): an error unless VALUE can be.
check_isolation = $(if $(and $(filter user kernel,$(1)),$(filter 1,$(words $(1)))),,$(error $(2) is "$(1)"; it can be "user" or "kernel"))
isolation_origin = $(if $(filter file,$(origin $(1))),in apps/$(2)/app.mk,from the $(origin $(1)))
$(call check_isolation,$(ISOLATION),ISOLATION (from the $(origin ISOLATION)))
# $(call check_app_setting,SETTING): an error unless all APP_NAME_SETTING name apps, and what can be.
apps_with = $(patsubst APP_%_$(1),%,$(filter APP_%_$(1),$(.VARIABLES)))
check_app_setting = $(foreach app,$(call apps_with,$(1)),\
	$(call check_isolation,$(APP_$(app)_$(1)),APP_$(app)_$(1) ($(call isolation_origin,APP_$(app)_$(1),$(app))))\
	$(if $(filter $(app),$(SCRIPT_APPS))$(wildcard apps/$(app)/main.c tools/test/apps/$(app).c),,\
	$(error APP_$(app)_$(1) ($(call isolation_origin,APP_$(app)_$(1),$(app))) names no app: there is no apps/$(app)/main.c)))
$(call check_app_setting,ISOLATION)
$(call check_app_setting,ONLY)

# How the app $(1) runs in an image: APP_NAME_ISOLATION of the command line, or what the image says ($(2)), or the app, or ISOLATION.
# APP_NAME_ONLY is for the few that cannot be either: it holds against all of these, and is not to be asked for what it is not.
asked_for = $(if $(findstring command line,$(origin APP_$(1)_ISOLATION)),$(APP_$(1)_ISOLATION))
check_only = $(if $(and $(APP_$(1)_ONLY),$(filter-out $(APP_$(1)_ONLY),$(call asked_for,$(1)))),\
	$(error apps/$(1) can run in "$(APP_$(1)_ONLY)" only (APP_$(1)_ONLY in its app.mk), and APP_$(1)_ISOLATION is "$(APP_$(1)_ISOLATION)"))
isolation_of = $(call check_only,$(1))$(or $(APP_$(1)_ONLY),$(call asked_for,$(1)),$(2),$(APP_$(1)_ISOLATION),$(ISOLATION))
# NAME.user of apps that run in user mode, NAME of others: $(1) are apps, $(2) is what the image says. An app with privileged
# instructions (APP_NAME_PRIVILEGED := yes) is a test of user mode.
app_form = $(if $(filter user,$(call isolation_of,$(1),$(2))),$(1).user,$(if $(filter yes,$(APP_$(1)_PRIVILEGED)),\
	$(error apps/$(1) has privileged instructions (APP_$(1)_PRIVILEGED), and would run in the kernel: set APP_$(1)_ONLY := user),$(1)))
app_forms = $(strip $(foreach app,$(1),$(call app_form,$(app),$(2))))

# --- Kernel ----------------------------------------------------------------------------------------

KERNEL_SRCS := $(wildcard boot/*.S boot/*.c) \
	$(call not_tests,$(shell find kernel -name '*.c' -not -path 'kernel/arch/host/*')) \
	$(shell find kernel -name '*.S')
KERNEL_OBJS := $(call objects,$(KERNEL_SRCS)) $(USER_CALLS:%=$(BUILD)/obj/%.user.o)
LDFLAGS := -nostdlib -static --no-relax --gc-sections -z noexecstack -z max-page-size=4096 -T boot/kernel.ld

$(BUILD)/gen/checked: $(KERNEL_OBJS) $(wildcard libs/abi/*.h) tools/build/check_kernel.sh tools/lint/check_messages.py
	$(call say,CHECK,kernel objects and message numbers)
	$(Q)tools/build/check_kernel.sh $(CROSS_COMPILE) $(KERNEL_OBJS)
	$(Q)tools/lint/check_messages.py $(wildcard libs/abi/*.h)
	@touch $@

# $(call image_rules,NAME,APPS[,user|kernel]): $(BUILD)/NAME.elf, the kernel and a list of apps. The third argument is how all of
# them run that can, whatever they and ISOLATION say.
define image_rules
$$(if $(3),$$(call check_isolation,$(3),the isolation of the image $(1)))
$(1)_GEN := $(BUILD)/gen/$(1)
$(1)_FORMS := $$(call app_forms,$(2),$(3))
# `apps` is for tools/run: which there are, however they run.
$(1)_STAMP := $$(call stamp,$(BUILD)/gen/$(1)/forms,$$($(1)_FORMS)) $$(call stamp,$(BUILD)/gen/$(1)/apps,$(2))
# What is made on the way to them, and kept.
.SECONDARY: $$(foreach app,$$(patsubst %.user,%,$$(filter %.user,$$($(1)_FORMS))),$(BUILD)/apps/$$(app).elf $(BUILD)/apps/$$(app).user.c)
$(BUILD)/gen/$(1)/app_table.c: tools/build/app_table.sh $$($(1)_STAMP)
	$(Q)tools/build/app_table.sh $(BUILD)/gen/$(1) $$($(1)_FORMS)
$(BUILD)/gen/$(1)/app_table.o: $(BUILD)/gen/$(1)/app_table.c $(FLAGS_STAMP)
	$(Q)$(CC) $(CFLAGS) $(DEPFLAGS) -c -o $$@ $$<
$(BUILD)/$(1).elf: $(KERNEL_OBJS) $(BUILD)/gen/$(1)/app_table.o $$(patsubst %,$(BUILD)/apps/%.o,$$($(1)_FORMS)) \
		$(BUILD)/libs/base.a $(BUILD)/libs/fdt.a boot/kernel.ld tools/build/link_kernel.sh \
		| $(BUILD)/gen/checked
	$$(call say,LINK,$$@)
	$(Q)tools/build/link_kernel.sh $(CROSS_COMPILE) $$@ -L $(BUILD)/gen/$(1) $(LDFLAGS) -- $$(filter %.o %.a,$$^) $(LIBGCC)
	$(if $(filter starina,$(1)),@tools/services/services.py --check $$@)
endef
# $(call isolation_images,NAME,APPS): NAME as its apps say, which is the default; and for tests and comparisons beside it
# NAME-kernel and NAME-user, all of whose apps run so that can.
define isolation_images
$(call image_rules,$(1),$(2))
$(call image_rules,$(1)-kernel,$(2),kernel)
$(call image_rules,$(1)-user,$(2),user)
endef
$(eval $(call isolation_images,starina,$(APPS)))
$(eval $(call isolation_images,starina-test,$(TEST_APPS)))
$(eval $(call isolation_images,starina-net,$(NET_APPS)))
$(eval $(call isolation_images,starina-crowd,$(CROWD_APPS)))
$(eval $(call isolation_images,starina-linux,$(LINUX_APPS)))
$(eval $(call isolation_images,starina-linux-test,$(LINUX_TEST_APPS)))
$(eval $(call isolation_images,starina-reaper,$(REAPER_APPS)))

-include $(shell find $(BUILD)/obj $(BUILD)/gen $(BUILD)/apps -name '*.d' 2>/dev/null)

include $(filter-out %/tests.mk,$(wildcard tools/*.mk tools/*/*.mk)) guest/guest.mk

# --- The rest --------------------------------------------------------------------------------------

.PHONY: clean help
clean: ## remove what was built
	rm -rf $(BUILD)

help: ## this list
	@echo 'Targets:'
	@grep -hE '^[a-z0-9_-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9_-]+):.*## (.*)/  \1\t\2/' | expand -t 16
