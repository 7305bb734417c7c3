HOST_TESTS += libs/http/head_test libs/http/chunked_test
head_test_SRCS := libs/http/head.c libs/base/string.c
chunked_test_SRCS := libs/http/chunked.c libs/base/string.c
