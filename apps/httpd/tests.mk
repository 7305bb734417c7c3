# SPDX-License-Identifier: MIT
HOST_FUZZERS += apps/httpd/httpd_fuzz
httpd_fuzz_SRCS := $(filter-out %/main.c %_fuzz.c,$(wildcard apps/httpd/*.c)) \
	libs/http/tcpip_fake.c libs/http/server.c $(HTTP_SRCS) $(SYSTEM_FAKE_SRCS) $(FILES_SRCS)
