# SPDX-License-Identifier: MIT
containers_PURE := apps/containers/settings_policy.c $(patsubst %,libs/%.c,json/json linux/image/string_list base/fmt base/string)
HOST_TESTS += apps/containers/container_settings_test apps/containers/words_test
containers_SETTINGS := $(wildcard apps/containers/settings*.c) $(patsubst %,apps/containers/%.c,port_list subnet)
container_settings_test_SRCS := $(containers_SETTINGS) $(containers_PURE)
words_test_SRCS := apps/containers/words.c libs/base/date.c libs/base/fmt.c libs/base/string.c
HOST_FUZZERS += apps/containers/create_fuzz
create_fuzz_SRCS := $(containers_SETTINGS) $(patsubst %,apps/containers/%.c,config config_host hosts) libs/linux/vm/image_config.c $(containers_PURE)
HOST_TESTS += apps/containers/event_test
event_test_SRCS := apps/containers/event.c $(patsubst %,libs/%.c,filters/filters filters/pattern json/json linux/image/string_list base/fmt base/string)
HOST_TESTS += apps/containers/exec_settings_test
exec_settings_test_SRCS := apps/containers/exec_settings.c $(containers_SETTINGS) $(containers_PURE)
HOST_FUZZERS += apps/containers/exec_fuzz
exec_fuzz_SRCS := $(exec_settings_test_SRCS) $(patsubst %,apps/containers/%.c,config config_host hosts) libs/linux/vm/image_config.c
HOST_TESTS += apps/containers/fields_test
fields_test_SRCS := $(containers_SETTINGS) $(containers_PURE)
HOST_TESTS += apps/containers/subnet_test
subnet_test_SRCS := apps/containers/subnet.c libs/base/fmt.c libs/base/string.c
