# SPDX-License-Identifier: MIT
containers_PURE := $(patsubst %,libs/%.c,json/json linux/image/string_list base/fmt base/string)
HOST_TESTS += apps/containers/container_settings_test apps/containers/words_test
container_settings_test_SRCS := apps/containers/settings.c $(containers_PURE)
words_test_SRCS := apps/containers/words.c libs/base/fmt.c libs/base/string.c
HOST_FUZZERS += apps/containers/create_fuzz
create_fuzz_SRCS := $(patsubst %,apps/containers/%.c,settings config) libs/linux/vm/image_config.c $(containers_PURE)
