HOST_TESTS += apps/tcpip/uri_test
uri_test_SRCS := apps/tcpip/uri.c libs/base/string.c
