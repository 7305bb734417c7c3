BOOTD := libs/linux/guest
HOST_TESTS += $(addprefix $(BOOTD)/,frame_test config_test lookup_test user_test network_files_test linger_test memory_test)
frame_test_SRCS := $(BOOTD)/frame.c
config_test_SRCS := $(addprefix $(BOOTD)/,config.c config_process.c config_json.c capability.c failure.c) \
	third_party/cjson/cJSON.c
config_test_CFLAGS := -D_GNU_SOURCE -Wno-conversion -Wno-sign-conversion -Wno-shadow -Wno-undef
lookup_test_SRCS := $(addprefix $(BOOTD)/,lookup.c failure.c)
lookup_test_CFLAGS := -D_GNU_SOURCE
user_test_SRCS := $(BOOTD)/user.c
user_test_CFLAGS := -D_GNU_SOURCE
frame_test_CFLAGS := -D_GNU_SOURCE
network_files_test_SRCS := $(BOOTD)/network_files.c
linger_test_SRCS := $(addprefix $(BOOTD)/,linger.c procfs.c)
memory_test_SRCS := $(BOOTD)/memory.c
linger_test_CFLAGS := -D_GNU_SOURCE
