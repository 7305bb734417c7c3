# SPDX-License-Identifier: MIT
HOST_FUZZERS += apps/engine/engine_fuzz
engine_fuzz_SRCS := $(filter-out %/main.c %/router.c %_fuzz.c,$(wildcard apps/engine/*.c)) \
	$(patsubst %,libs/http/%.c,tcpip_fake server target router) $(HTTP_SRCS) $(SYSTEM_FAKE_SRCS) libs/starina/opener.c \
	$(patsubst %,libs/%.c,boot_files/boot_files boot_files/ustar json/json)
