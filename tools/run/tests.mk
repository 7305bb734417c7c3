# SPDX-License-Identifier: MIT
HOST_TESTS += tools/run/run_test tools/run/settings/settings_test tools/run/qemu/writable_disk_test
run_test_SRCS := $(addprefix tools/run/,qemu/boot_disk_file.c relay/uart_log.c relay/source_line.c relay/control_line.c relay/terminal.c) \
	$(filter-out %_test.c,$(wildcard tools/common/*.c)) libs/base/closest.c
run_test_CFLAGS := -D_GNU_SOURCE
run_test_LIBS := -larchive
settings_test_SRCS := $(addprefix tools/run/settings/,arguments.c capability_settings.c container_settings.c docker_settings.c flags.c guest_kernel.c image_tool.c images.c \
	numbers.c options.c published_ports.c resolver.c settings.c volume_settings.c volumes.c volume_words.c mount_words.c tmpfs_words.c) tools/run/signals.c \
	$(addprefix tools/image/,config/environment.c source/reference.c config/words.c digest_text.c) $(filter-out %_test.c,$(wildcard tools/common/*.c)) libs/base/closest.c
settings_test_CFLAGS := -D_GNU_SOURCE
settings_test_LIBS := -ljansson
writable_disk_test_SRCS := tools/run/qemu/writable_disk.c tools/run/signals.c $(filter-out %_test.c,$(wildcard tools/common/*.c)) libs/base/closest.c
writable_disk_test_CFLAGS := -D_GNU_SOURCE
HOST_TESTS += tools/run/settings/published_ports_test
published_ports_test_SRCS := tools/run/settings/published_ports.c $(filter-out %_test.c,$(wildcard tools/common/*.c)) libs/base/closest.c
published_ports_test_CFLAGS := -D_GNU_SOURCE
HOST_TESTS += tools/run/settings/flags_test tools/run/settings/resolver_test
flags_test_SRCS := $(filter-out tools/run/settings/settings_test.c,$(settings_test_SRCS))
flags_test_CFLAGS := -D_GNU_SOURCE
flags_test_LIBS := -ljansson
resolver_test_SRCS := $(addprefix tools/run/settings/,arguments.c resolver.c) tools/common/error.c
resolver_test_CFLAGS := -D_GNU_SOURCE
HOST_FUZZERS += tools/run/relay/control_line_fuzz tools/run/relay/uart_log_fuzz tools/run/settings/settings_fuzz
control_line_fuzz_SRCS := tools/run/relay/control_line.c
control_line_fuzz_CFLAGS := -D_GNU_SOURCE
uart_log_fuzz_SRCS := $(addprefix tools/run/relay/,uart_log.c source_line.c) $(filter-out %_test.c,$(wildcard tools/common/*.c))
uart_log_fuzz_CFLAGS := -D_GNU_SOURCE
settings_fuzz_SRCS := $(settings_test_SRCS)
settings_fuzz_CFLAGS := -D_GNU_SOURCE -Wno-discarded-qualifiers
settings_fuzz_LIBS := -ljansson
HOST_TESTS += tools/run/settings/docker_settings_test
docker_settings_test_SRCS := $(settings_test_SRCS)
docker_settings_test_CFLAGS := -D_GNU_SOURCE
docker_settings_test_LIBS := -ljansson
HOST_FUZZERS += tools/run/settings/settings_files_fuzz
settings_files_fuzz_SRCS := $(settings_test_SRCS)
settings_files_fuzz_CFLAGS := $(settings_fuzz_CFLAGS)
settings_files_fuzz_LIBS := -ljansson
HOST_TESTS += tools/run/relay/app_port_test
app_port_test_SRCS := tools/run/relay/app_port.c $(filter-out %_test.c,$(wildcard tools/common/*.c)) libs/base/closest.c
app_port_test_CFLAGS := -D_GNU_SOURCE
HOST_TESTS += tools/run/settings/volumes_test
volumes_test_SRCS := $(addprefix tools/run/settings/,volumes.c volume_words.c mount_words.c tmpfs_words.c numbers.c) tools/common/error.c
volumes_test_CFLAGS := -D_GNU_SOURCE
HOST_FUZZERS += tools/run/relay/app_port_fuzz
app_port_fuzz_SRCS := $(app_port_test_SRCS)
app_port_fuzz_CFLAGS := -D_GNU_SOURCE
app_port_fuzz_SLOWER := 10
