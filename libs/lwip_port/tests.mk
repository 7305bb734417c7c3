# The port's stand-ins for a C library are found only by lwIP's quoted includes, so that the host's own is used.
HOST_FUZZERS += libs/lwip_port/frames_fuzz
frames_fuzz_SRCS := libs/lwip_port/nd_guard.c libs/base/checksum.c libs/base/string.c $(filter third_party/%,$(LIB_lwip_port_SRCS))
frames_fuzz_CFLAGS := -iquote libs/lwip_port/include -isystem third_party/lwip/src/include -include sys/types.h -DSSIZE_MAX=__LONG_MAX__ -w
HOST_TESTS += libs/lwip_port/nd_guard_test
nd_guard_test_SRCS := libs/lwip_port/nd_guard.c $(filter-out libs/lwip_port/%,$(frames_fuzz_SRCS))
nd_guard_test_CFLAGS := $(frames_fuzz_CFLAGS)
