HOST_TESTS += libs/http/head_test
head_test_SRCS := libs/http/head.c libs/base/string.c
