HOST_TESTS += libs/http/head_test libs/http/chunked_test libs/http/proxy_test
head_test_SRCS := libs/http/head.c libs/base/string.c
chunked_test_SRCS := libs/http/chunked.c libs/base/string.c
proxy_test_SRCS := $(patsubst %,libs/http/%.c,proxy handler connection response output head chunked) \
	$(patsubst %,libs/base/%.c,string fmt span) libs/starina/folio_fake.c
HOST_FUZZERS += libs/http/http_fuzz
http_fuzz_SRCS := libs/http/head.c libs/http/chunked.c libs/base/string.c
HOST_FUZZERS += libs/http/conversation_fuzz
conversation_fuzz_SRCS := $(patsubst %,libs/http/%.c,tcpip_fake server proxy handler connection response output head chunked) \
	$(patsubst %,libs/base/%.c,string fmt span) $(SYSTEM_FAKE_SRCS)
HOST_TESTS += libs/http/connection_test
connection_test_SRCS := $(patsubst %,libs/http/%.c,handler connection response output head chunked) \
	$(patsubst %,libs/base/%.c,string fmt span) $(SYSTEM_FAKE_SRCS)
