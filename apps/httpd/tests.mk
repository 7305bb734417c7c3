# SPDX-License-Identifier: MIT
HOST_FUZZERS += apps/httpd/httpd_fuzz
httpd_fuzz_SRCS := $(filter-out %/main.c %_fuzz.c,$(wildcard apps/httpd/*.c)) \
	$(patsubst %,libs/http/%.c,tcpip_fake server target) $(HTTP_SRCS) $(SYSTEM_FAKE_SRCS) $(FILES_SRCS)
