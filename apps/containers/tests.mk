# SPDX-License-Identifier: MIT
containers_PURE := apps/containers/settings_policy.c $(patsubst %,libs/%.c,json/json linux/image/string_list base/fmt base/string)
HOST_TESTS += apps/containers/container_settings_test apps/containers/words_test
containers_SETTINGS := $(wildcard apps/containers/settings*.c) apps/containers/port_list.c
container_settings_test_SRCS := $(containers_SETTINGS) $(containers_PURE)
words_test_SRCS := apps/containers/words.c libs/base/date.c libs/base/fmt.c libs/base/string.c
HOST_FUZZERS += apps/containers/create_fuzz
create_fuzz_SRCS := apps/containers/config_host.c $(containers_SETTINGS) apps/containers/config.c libs/linux/vm/image_config.c $(containers_PURE)
HOST_TESTS += apps/containers/event_test
event_test_SRCS := apps/containers/event.c $(patsubst %,libs/%.c,filters/filters filters/pattern json/json linux/image/string_list base/fmt base/string)
HOST_TESTS += apps/containers/exec_settings_test
exec_settings_test_SRCS := apps/containers/exec_settings.c $(containers_SETTINGS) $(containers_PURE)
HOST_FUZZERS += apps/containers/exec_fuzz
exec_fuzz_SRCS := apps/containers/config_host.c $(exec_settings_test_SRCS) apps/containers/config.c libs/linux/vm/image_config.c
HOST_TESTS += apps/containers/fields_test
fields_test_SRCS := $(containers_SETTINGS) $(containers_PURE)
