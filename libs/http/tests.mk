HOST_TESTS += libs/http/head_test libs/http/chunked_test
head_test_SRCS := libs/http/head.c libs/base/string.c
chunked_test_SRCS := libs/http/chunked.c libs/base/string.c
HOST_FUZZERS += libs/http/http_fuzz
http_fuzz_SRCS := libs/http/head.c libs/http/chunked.c libs/base/string.c
