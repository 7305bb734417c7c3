# SPDX-License-Identifier: MIT
images_PURE := $(patsubst %,apps/images/%.c,record reference) \
	$(patsubst %,libs/%.c,json/json http/head linux/image/image_name linux/image/string_list base/fmt base/span base/string starina/heap_fake)
HOST_TESTS += apps/images/reference_test apps/images/output_test apps/images/catalog_test apps/images/store_test apps/images/ingest_test apps/images/remove_test apps/images/layers_test apps/images/auth_test
catalog_test_SRCS := $(images_PURE) apps/images/catalog.c apps/images/listing.c apps/images/record_time.c libs/base/date.c libs/linux/image/image_index.c $(patsubst %,libs/starina/%.c,log log_fake)
store_test_SRCS := $(catalog_test_SRCS) apps/images/store.c libs/files/steady.c
layers_test_SRCS := $(store_test_SRCS) apps/images/layers.c
remove_test_SRCS := $(catalog_test_SRCS) $(patsubst %,apps/images/%.c,remove prune parents) $(patsubst %,libs/%.c,filters/filters filters/pattern filters/until)
ingest_test_SRCS := $(catalog_test_SRCS) apps/images/ingest.c
HOST_TESTS += apps/images/save_archive_test apps/images/save_kept_test
save_archive_test_SRCS := $(images_PURE) apps/images/save_archive.c $(patsubst %,libs/base/%.c,hex sha256)
save_kept_test_SRCS := $(save_archive_test_SRCS) $(patsubst %,apps/images/%.c,save_kept save_index)
HOST_TESTS += apps/images/save_index_test apps/images/save_export_test
save_index_test_SRCS := $(save_archive_test_SRCS) apps/images/save_index.c
save_export_test_SRCS := apps/images/save_export.c $(patsubst %,libs/base/%.c,sha256 string)
reference_test_SRCS := $(images_PURE)
auth_test_SRCS := $(images_PURE) $(patsubst %,apps/images/%.c,auth jobs job_stream output) $(patsubst %,libs/starina/%.c,log log_fake)
output_test_SRCS := $(images_PURE) $(patsubst %,apps/images/%.c,output login)
HOST_FUZZERS += apps/images/record_fuzz apps/images/output_fuzz
record_fuzz_SRCS := $(images_PURE)
output_fuzz_SRCS := $(output_test_SRCS)
HOST_FUZZERS += apps/images/images_fuzz
images_fuzz_SLOWER := 20
images_fuzz_SRCS := $(filter-out %/main.c %/boot.c %/save.c %_fuzz.c %_test.c,$(wildcard apps/images/*.c)) \
	$(filter-out libs/files/steady.c,$(FILES_SRCS)) $(SYSTEM_FAKE_SRCS) \
	$(patsubst %,libs/requests/%.c,requests replies outbox asker_fake) $(filter-out %_test.c %_fuzz.c,$(wildcard libs/filters/*.c)) \
	$(patsubst %,libs/%.c,json/json http/target http/head linux/image/image_index linux/image/image_name linux/image/platform linux/image/string_list \
	base/date base/hex base/sha256 base/fmt base/span base/string)
