BOOTD := guest/bootd
HOST_TESTS += $(addprefix $(BOOTD)/,control_frame_test config_test lookup_test container_user_test network_files_test linger_test guest_memory_test)
control_frame_test_SRCS := $(BOOTD)/control_frame.c
config_test_SRCS := $(addprefix $(BOOTD)/,config.c config_process.c config_json.c capability.c failure.c) \
	third_party/cjson/cJSON.c
config_test_CFLAGS := -D_GNU_SOURCE -Wno-conversion -Wno-sign-conversion -Wno-shadow -Wno-undef
lookup_test_SRCS := $(addprefix $(BOOTD)/,lookup.c failure.c)
lookup_test_CFLAGS := -D_GNU_SOURCE
container_user_test_SRCS := $(addprefix $(BOOTD)/,container_user.c failure.c)
container_user_test_CFLAGS := -D_GNU_SOURCE
control_frame_test_CFLAGS := -D_GNU_SOURCE
network_files_test_SRCS := $(BOOTD)/network_files.c
linger_test_SRCS := $(addprefix $(BOOTD)/,linger.c procfs.c)
guest_memory_test_SRCS := $(BOOTD)/guest_memory.c
linger_test_CFLAGS := -D_GNU_SOURCE
