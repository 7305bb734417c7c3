# SPDX-License-Identifier: MIT
LOGS_RECORD := libs/logs/record.c $(patsubst %,libs/base/%.c,date fmt span string)
HOST_TESTS += libs/logs/record_test
record_test_SRCS := $(LOGS_RECORD)
HOST_TESTS += libs/logs/log_writer_test
log_writer_test_SRCS := $(LOGS_RECORD) $(patsubst %,libs/logs/%.c,names writer writer_files) $(FILES_SRCS) $(SYSTEM_FAKE_SRCS)
HOST_TESTS += libs/logs/log_reader_test
log_reader_test_SRCS := $(LOGS_RECORD) $(patsubst %,libs/logs/%.c,names reader remover) $(FILES_SRCS) $(SYSTEM_FAKE_SRCS)
HOST_FUZZERS += libs/logs/log_fuzz
log_fuzz_SRCS := $(LOGS_RECORD)
HOST_FUZZERS += libs/logs/log_writer_fuzz
log_writer_fuzz_SRCS := $(log_writer_test_SRCS) libs/logs/reader.c
log_writer_fuzz_SLOWER := 40
