# SPDX-License-Identifier: MIT
HOST_FUZZERS += apps/httpd/httpd_fuzz
httpd_fuzz_SRCS := $(filter-out %/main.c %_fuzz.c %_test.c,$(wildcard apps/httpd/*.c apps/httpd/api/*.c)) \
	$(patsubst %,libs/http/%.c,tcpip_fake server target router proxy websocket websocket_input sha1) $(HTTP_SRCS) $(SYSTEM_FAKE_SRCS) $(FILES_SRCS) \
	$(patsubst %,libs/%.c,boot_files/boot_files boot_files/ustar json/json json/json_text base/utf8 base/base64 base/hex look/look look/look_fake)
HOST_TESTS += apps/httpd/api/engine_stream_test
engine_stream_test_SRCS := $(filter-out libs/files/%_fake.c,$(httpd_fuzz_SRCS))
HOST_TESTS += apps/httpd/api/api_test
api_test_SRCS := $(patsubst %,apps/httpd/api/%.c,auth page_files words openapi write) $(patsubst %,libs/http/%.c,head target) \
	$(patsubst %,libs/%.c,boot_files/ustar json/json json/json_text base/utf8 base/fmt base/span base/string starina/heap_fake)
HOST_TESTS += apps/httpd/api/trace_test
trace_test_SRCS := $(patsubst %,apps/httpd/api/%.c,trace write) $(patsubst %,libs/http/%.c,head target) $(patsubst %,libs/%.c,json/json json/json_text look/look base/utf8 base/fmt base/span base/string)
