# SPDX-License-Identifier: MIT
containers_PURE := $(patsubst %,libs/%.c,json/json linux/image/string_list base/fmt base/string starina/heap_fake)
HOST_TESTS += apps/containers/container_settings_test apps/containers/words_test
containers_SETTINGS := $(filter-out %_test.c,$(wildcard apps/containers/settings*.c)) $(patsubst %,apps/containers/%.c,port_list mount_list subnet mac_text health_settings links_text signal_text) libs/files/volume_name.c
container_settings_test_SRCS := $(containers_SETTINGS) $(containers_PURE)
HOST_TESTS += apps/containers/settings_refused_test
settings_refused_test_SRCS := $(container_settings_test_SRCS)
words_test_SRCS := apps/containers/words.c apps/containers/signal_text.c libs/base/date.c libs/base/fmt.c libs/base/string.c
HOST_TESTS += apps/containers/settings_update_test
settings_update_test_SRCS := $(containers_SETTINGS) $(containers_PURE)
HOST_FUZZERS += apps/containers/create_fuzz
containers_CONFIG := $(patsubst %,apps/containers/%.c,config config_host config_mounts hosts) $(patsubst %,libs/linux/vm/%.c,image_config vm_share)
create_fuzz_SRCS := $(containers_SETTINGS) $(containers_CONFIG) $(containers_PURE)
HOST_TESTS += apps/containers/command_test
command_test_SRCS := $(create_fuzz_SRCS)
HOST_TESTS += apps/containers/show_host_test
show_host_test_SRCS := apps/containers/show_host.c $(containers_SETTINGS) $(containers_PURE)
HOST_TESTS += apps/containers/summary_test
summary_test_SRCS := apps/containers/summary.c $(containers_PURE)
HOST_TESTS += apps/containers/event_test
event_test_SRCS := apps/containers/event.c $(patsubst %,libs/%.c,filters/filters filters/pattern json/json linux/image/string_list base/fmt base/string starina/heap_fake)
HOST_TESTS += apps/containers/exec_settings_test
exec_settings_test_SRCS := apps/containers/exec_settings.c $(containers_SETTINGS) $(containers_PURE)
HOST_TESTS += apps/containers/exec_test
exec_test_SRCS := apps/containers/exec.c apps/containers/exec_settings.c $(containers_SETTINGS) $(containers_CONFIG) $(containers_PURE) \
	$(patsubst %,libs/%.c,base/hex starina/log starina/log_fake)
HOST_FUZZERS += apps/containers/exec_fuzz
exec_fuzz_SRCS := $(exec_settings_test_SRCS) $(containers_CONFIG)
HOST_TESTS += apps/containers/mount_settings_test
mount_settings_test_SRCS := $(container_settings_test_SRCS)
HOST_FUZZERS += apps/containers/container_record_fuzz
container_record_fuzz_SRCS := $(containers_SETTINGS) $(patsubst %,apps/containers/%.c,endpoint_list policy_record show_mounts show_ports volume_text) $(containers_PURE)
HOST_TESTS += apps/containers/fields_test
fields_test_SRCS := $(containers_SETTINGS) $(containers_PURE)
HOST_TESTS += apps/containers/mac_test
mac_test_SRCS := apps/containers/mac_text.c $(containers_PURE)
HOST_TESTS += apps/containers/unwritten_test
unwritten_test_SRCS := $(containers_SETTINGS) $(patsubst %,apps/containers/%.c,unwritten_fake endpoints endpoint_list container_names networks networks_store links \
	mac volumes volume_text) $(containers_PURE) libs/base/hex.c $(patsubst %,libs/starina/%.c,log log_fake)
HOST_TESTS += apps/containers/subnet_test
subnet_test_SRCS := apps/containers/subnet.c libs/base/fmt.c libs/base/string.c
HOST_TESTS += apps/containers/top_test apps/containers/stats_json_test
containers_SHOWN := $(patsubst %,libs/%.c,json/json base/span base/date base/fmt base/string starina/heap_fake)
top_test_SRCS := apps/containers/top.c $(containers_SHOWN)
stats_json_test_SRCS := apps/containers/stats_json.c $(containers_SHOWN)
HOST_FUZZERS += apps/containers/top_fuzz
top_fuzz_SRCS := $(top_test_SRCS)
HOST_TESTS += apps/containers/networks_settings_test
networks_settings_test_SRCS := $(containers_SETTINGS) $(containers_PURE)
HOST_FUZZERS += apps/containers/networks_fuzz
networks_fuzz_SRCS := $(networks_settings_test_SRCS)
HOST_TESTS += apps/containers/health_settings_test
health_settings_test_SRCS := $(containers_SETTINGS) $(containers_PURE)
HOST_TESTS += apps/containers/labels_test
labels_test_SRCS := apps/containers/labels.c $(containers_SHOWN)
HOST_TESTS += apps/containers/grants_test
grants_test_SRCS := apps/containers/grants.c libs/starina/opener.c $(SYSTEM_FAKE_SRCS) $(patsubst %,libs/base/%.c,fmt span string)
HOST_TESTS += apps/containers/settings_volume_test
settings_volume_test_SRCS := $(containers_SETTINGS) $(containers_PURE)
HOST_TESTS += apps/containers/volume_sizes_test
volume_sizes_test_SRCS := apps/containers/volume_sizes.c libs/linux/image/string_list.c $(FILES_SRCS) $(SYSTEM_FAKE_SRCS) \
	$(patsubst %,libs/base/%.c,fmt span string) libs/starina/environ.c
HOST_TESTS += apps/containers/provision_test
provision_test_SRCS := $(patsubst %,apps/containers/%.c,provision mounts mount_list) $(patsubst %,libs/%.c,linux/image/string_list base/fmt base/hex base/string \
	starina/heap_fake starina/log starina/log_fake)
HOST_TESTS += apps/containers/vmms_leaving_test
vmms_leaving_test_SRCS := apps/containers/vmms_leaving.c libs/base/string.c
HOST_TESTS += apps/containers/signals_test
signals_test_SRCS := $(patsubst %,apps/containers/%.c,signals signal_text) $(patsubst %,libs/%.c,base/fmt base/string starina/log starina/log_fake)
HOST_TESTS += apps/containers/vmms_test
vmms_test_SRCS := $(patsubst %,apps/containers/%.c,vmms vmms_leaving) $(patsubst %,libs/%.c,base/fmt base/hex base/string starina/heap_fake starina/log starina/log_fake)
HOST_FUZZERS += apps/containers/containers_fuzz
# Each of the kept inputs is the whole life of something: the gate runs those.
containers_fuzz_SLOWER := 10000
containers_fuzz_SRCS := $(filter-out %/main.c %/boot.c %_fuzz.c %_test.c %/unwritten_fake.c,$(wildcard apps/containers/*.c)) \
	$(filter-out libs/files/steady.c,$(FILES_SRCS)) $(SYSTEM_FAKE_SRCS) \
	$(patsubst %,libs/requests/%.c,requests replies outbox asker_fake) $(filter-out %_test.c %_fuzz.c,$(wildcard libs/host/*.c libs/logs/*.c libs/filters/*.c)) \
	$(patsubst %,libs/%.c,json/json ext4/make http/target http/head linux/image/image_index linux/image/image_name linux/image/platform linux/image/string_list \
	linux/vm/boot_disk linux/machine/loader linux/vm/image_config linux/vm/vm_share linux/disk/disk boot_files/ustar base/date base/hex base/fmt base/span base/string)
