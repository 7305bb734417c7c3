HOST_TESTS += libs/lwip_port/checksum_test
checksum_test_SRCS := libs/lwip_port/checksum.c
