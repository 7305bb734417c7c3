# SPDX-License-Identifier: MIT
#
# The image that measures from within, and the script that runs it and the container.

BENCH_APPS := bench_peer bench
$(eval $(call image_rules,starina-bench,$(BENCH_APPS),kernel))
$(eval $(call image_rules,starina-bench-user,$(BENCH_APPS),user))
# One in the kernel, its peer in user mode.
$(eval $(call image_rules,starina-bench-mixed,$(BENCH_APPS)))
# Another image: these apps would be in the other's counts.
$(eval $(call image_rules,starina-bench-tcp,bench_tcp netswitch tcpip httpd,kernel))
$(eval $(call image_rules,starina-bench-tcp-user,bench_tcp netswitch tcpip httpd,user))
# Messages of an app in TypeScript, to one in C.
$(eval $(call image_rules,starina-bench-ts,js bench_ts bench_start_ts echo))
BENCH_IMAGES := $(BUILD)/starina-bench.elf $(BUILD)/starina-bench-user.elf $(BUILD)/starina-bench-mixed.elf \
	$(BUILD)/starina-bench-tcp.elf $(BUILD)/starina-bench-ts.elf

# A container that only sleeps.
$(BUILD)/image/idle/idle: tools/bench/idle.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CROSS_COMPILE)gcc -std=gnu11 -Os -Wall -Wextra -Werror -static -o $@ $<
	$(Q)$(CROSS_COMPILE)strip $@

$(BUILD)/image/idle-layout/index.json: $(BUILD)/image/idle/idle tools/image/mklayout.sh
	$(Q)tools/image/mklayout.sh $(<D) $(BUILD)/image/idle-layout '["/idle"]' '["PATH=/"]'

.PHONY: bench
# BENCH="PART ..." chooses among the parts (calls boot container pool tcp idle http ratios).
BENCH ?=
bench: ## figures: a table, and BUILD/bench.json
bench: run-files $(BENCH_IMAGES) $(BUILD)/starina-linux-test.elf $(BUILD)/image/idle-layout/index.json $(BUILD)/peers/insn_count.so $(BUILD)/peers/init
	$(Q)BUILD=$(BUILD) tools/bench/bench.py $(BENCH)

.PHONY: bench-volumes
bench-volumes: run-files ## a volume and a folder of the host beside the disk of LINUXRUN_DISK
	$(Q)BUILD=$(BUILD) tools/bench/volumes.py

.PHONY: bench-mounts
# ROUNDS=N: the least of so many rounds.
bench-mounts: run-files $(BUILD)/peers/insn_count.so ## what a mount adds to a container's start, in instructions
	$(Q)BUILD=$(BUILD) tools/bench/mounts.py $(ROUNDS)

.PHONY: bench-runs
# ROUNDS=N of each kind.
bench-runs: run-files $(BUILD)/peers/insn_profile.so ## what a docker run costs, with a volume and without, in instructions and translated blocks
	$(Q)BUILD=$(BUILD) tools/bench/runs.py $(ROUNDS)

.PHONY: bench-engine
bench-engine: run-files system-image ## what docker's client waits for
	$(Q)BUILD=$(BUILD) tools/bench/engine.py

.PHONY: bench-net
bench-net: run-files ## what a container's network costs
	$(Q)BUILD=$(BUILD) tools/bench/container_net.py

.PHONY: bench-ts-save
# ROUNDS=N: how often it is saved.
bench-ts-save: run-files ## what who writes an app in TypeScript waits for: from saving it to its first line in the log
	$(Q)BUILD=$(BUILD) tools/bench/ts_save.py $(ROUNDS)

.PHONY: bench-web
# ROUNDS=N: how many pages, and a tenth of the keys.
bench-web: run-files ## what a person at the web page waits for: the page, and the echo of a key
	$(Q)BUILD=$(BUILD) tools/bench/web_page.py $(ROUNDS)

.PHONY: bench-live
# SECONDS_OF_IT=N: how long each time.
bench-live: run-files ## what the live view of the web page costs the system
	$(Q)BUILD=$(BUILD) tools/bench/live.py $(SECONDS_OF_IT)

# The gate's comparison, and the one command that commits new counts.
COUNTED := run-files $(BENCH_IMAGES) $(BUILD)/peers/insn_count.so
.PHONY: test-counts bench-counts
test-counts: $(COUNTED) ## exact counts against tools/bench/counts.json
	$(Q)tools/bench/counts_test.py
	$(Q)BUILD=$(BUILD) tools/bench/exits_test.py
	$(Q)BUILD=$(BUILD) tools/bench/counts.py

bench-counts: $(COUNTED) ## writes the counts of this build to tools/bench/counts.json
	$(Q)BUILD=$(BUILD) tools/bench/counts.py --update

# --- Others, for comparison ---

PEER_PROGRAMS := $(patsubst %,$(BUILD)/peers/%,ipc init stopwatch)
$(PEER_PROGRAMS): $(BUILD)/peers/%: tools/bench/peers/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CROSS_COMPILE)gcc -std=gnu11 -O2 -Wall -Wextra -Werror -static -o $@ $<

$(BUILD)/peers/insn_%.so: tools/bench/peers/insn_%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -std=gnu11 -O2 -Wall -Wextra -Werror -shared -fPIC -fvisibility=hidden -o $@ $<

.PHONY: bench-peers
# BENCH_PEERS="PART ..." chooses among the parts (ipc boot http clock isolation).
BENCH_PEERS ?=
bench-peers: run-files $(BENCH_IMAGES) $(BUILD)/starina-kernel.elf $(PEER_PROGRAMS) $(BUILD)/peers/insn_count.so ## Debian's Linux, and Linux+KVM, beside Starina
	$(Q)BUILD=$(BUILD) tools/bench/peers/peers.py $(BENCH_PEERS)

.PHONY: bench-profile
# PROFILE="PATH AB-OPTION..." chooses what is asked for; IMAGE=starina-kernel: functions of apps, too.
PROFILE ?=
bench-profile: run-files $(BUILD)/starina-kernel.elf $(BUILD)/peers/insn_profile.so ## which functions a download from httpd spends its instructions in
	$(Q)BUILD=$(BUILD) tools/bench/profile.py $(PROFILE)
