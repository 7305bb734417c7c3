HOST_TESTS += apps/tcpip/uri_test
uri_test_SRCS := apps/tcpip/uri.c libs/base/string.c
# lwIP with the host's C library, as in libs/lwip_port/tests.mk.
HOST_TESTS += apps/tcpip/gather_test
gather_test_SRCS := apps/tcpip/gather.c apps/tcpip/frame_tx.c libs/offload/offload.c libs/base/checksum.c libs/base/span.c \
	libs/base/string.c $(filter third_party/%,$(LIB_lwip_port_SRCS))
gather_test_CFLAGS := -iquote libs/lwip_port/include -isystem third_party/lwip/src/include -include sys/types.h -DSSIZE_MAX=__LONG_MAX__ -w
HOST_TESTS += apps/tcpip/share_test
share_test_SRCS := apps/tcpip/share.c libs/base/checksum.c libs/base/string.c $(filter third_party/%,$(LIB_lwip_port_SRCS))
share_test_CFLAGS := $(gather_test_CFLAGS)
HOST_FUZZERS += apps/tcpip/tcpip_fuzz
tcpip_fuzz_SRCS := libs/lwip_port/nd_guard.c $(patsubst %,apps/tcpip/%.c,network_fake client connection connection_rx connection_tx datagrams frame_pbuf frame_tx gather link listen_address \
	listener share uri) $(SYSTEM_FAKE_SRCS) \
	$(patsubst %,libs/base/%.c,checksum fmt span string) $(filter third_party/%,$(LIB_lwip_port_SRCS))
tcpip_fuzz_CFLAGS := $(gather_test_CFLAGS)
