# SPDX-License-Identifier: MIT
HOST_TESTS += apps/commands/run_request_test
run_request_test_SRCS := apps/commands/run_request.c libs/base/string.c
HOST_FUZZERS += apps/commands/commands_fuzz
commands_fuzz_SLOWER := 20
commands_fuzz_SRCS := $(patsubst %,apps/commands/%.c,clients jobs run_request) libs/requests/outbox.c $(SYSTEM_FAKE_SRCS) libs/starina/opener.c \
	$(patsubst %,libs/linux/%.c,api/container api/container_connect api/container_publish api/socket_relay api/task api/task_config api/task_end api/task_streams \
	run/container_fake vm/image_config vm/vm_share image/image_index image/image_name image/string_list) \
	$(patsubst %,libs/%.c,files/volume_name json/json base/fmt base/span base/string)
