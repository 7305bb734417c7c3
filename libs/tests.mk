# SPDX-License-Identifier: MIT
# The fake kernel under a fuzzed app, those around it, and what an app has of libs/starina.
SYSTEM_FAKE_SRCS := $(patsubst %,libs/starina/%.c,system_fake system_channels_fake system_waiting_fake clients_fake \
	loop payload service log log_fake environ)
# The client of "files", and a provider in memory.
FILES_SRCS := $(filter-out %_test.c %_fuzz.c,$(wildcard libs/files/*.c)) libs/starina/opener.c
# An HTTP server over a channel, without what makes the channels.
HTTP_SRCS := $(patsubst %,libs/http/%.c,handler stream connection input flow response output head chunked) \
	$(patsubst %,libs/base/%.c,string fmt span)
