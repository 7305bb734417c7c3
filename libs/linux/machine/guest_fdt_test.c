// SPDX-License-Identifier: MIT
// The guest's device tree and the kernel's header, read back.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include "libs/abi/system.h"
#include "libs/linux/machine/guest_fdt.h"
#include "libs/linux/machine/kernel_image.h"

static uint8_t buffer[8192] __attribute__((aligned(8)));

static struct guest_fdt_config config(void)
{
	static const uint8_t seed[32] = { 1, 2, 3 };

	return (struct guest_fdt_config){
		.num_cpus = 2,
		.hart_features = HART_SSTC,
		.timebase_hz = 10000000,
		.memory_start = 0x80000000,
		.memory_size = 0x8000000,
		.plic_start = 0xc000000,
		.plic_size = 0x400000,
		.plic_sources = 4,
		.virtio_start = 0x10001000,
		.virtio_stride = 0x1000,
		.virtio_size = 0x200,
		.num_virtio = 3,
		.bootargs = "quiet",
		.initrd_start = 0x87000000,
		.initrd_end = 0x87100000,
		.rng_seed = { .data = seed, .len = sizeof(seed) },
	};
}

static uint32_t prop_u32(const char *path, const char *name)
{
	int node = fdt_path_offset(buffer, path), len;
	const fdt32_t *value = fdt_getprop(buffer, node, name, &len);

	assert_true(node >= 0);
	assert_non_null(value);
	assert_int_equal(len, 4);
	return fdt32_to_cpu(*value);
}

static const void *prop(const char *path, const char *name, int len)
{
	int node = fdt_path_offset(buffer, path), real;
	const void *value = fdt_getprop(buffer, node, name, &real);

	assert_true(node >= 0);
	assert_non_null(value);
	assert_int_equal(real, len);
	return value;
}

static void test_tree(void **state)
{
	struct guest_fdt_config c = config();
	size_t size = 0;
	int node;

	(void)state;
	assert_int_equal(guest_fdt_write(&c,
	                                 (struct mut_span){ .data = buffer, .len = sizeof(buffer) },
	                                 &size),
	                 0);
	assert_int_equal(fdt_check_full(buffer, size), 0);
	assert_string_equal(prop("/chosen", "bootargs", 6), "quiet");
	assert_memory_equal(prop("/chosen", "rng-seed", 32), c.rng_seed.data, 32);
	assert_int_equal(fdt64_ld(prop("/chosen", "linux,initrd-start", 8)), 0x87000000);
	assert_int_equal(prop_u32("/cpus", "timebase-frequency"), 10000000);
	assert_int_equal(prop_u32("/cpus/cpu@1", "reg"), 1);
	node = fdt_path_offset(buffer, "/cpus/cpu@0");
	assert_true(fdt_stringlist_search(buffer, node, "riscv,isa-extensions", "sstc") >= 0);
	assert_true(fdt_stringlist_search(buffer, node, "riscv,isa-extensions", "zicsr") >= 0);
	assert_int_equal(fdt_stringlist_count(buffer, node, "riscv,isa-extensions"), 10);
	assert_int_equal(prop_u32("/plic@c000000", "riscv,ndev"), 4);
	const fdt32_t *extended = prop("/plic@c000000", "interrupts-extended", 16);
	assert_int_equal(fdt32_to_cpu(extended[2]),
	                 prop_u32("/cpus/cpu@1/interrupt-controller", "phandle"));
	assert_int_equal(fdt32_to_cpu(extended[3]), 9);
	assert_int_equal(prop_u32("/virtio@10003000", "interrupts"), 3);
	assert_int_equal(prop_u32("/virtio@10003000", "interrupt-parent"),
	                 prop_u32("/plic@c000000", "phandle"));
	assert_true(fdt_path_offset(buffer, "/virtio@10004000") < 0);
}

static void test_without_features(void **state)
{
	struct guest_fdt_config c = config();
	size_t size;
	int node;

	(void)state;
	c.hart_features = 0;
	assert_int_equal(guest_fdt_write(&c,
	                                 (struct mut_span){ .data = buffer, .len = sizeof(buffer) },
	                                 &size),
	                 0);
	node = fdt_path_offset(buffer, "/cpus/cpu@0");
	assert_true(fdt_stringlist_search(buffer, node, "riscv,isa-extensions", "sstc") < 0);
	assert_int_equal(fdt_stringlist_count(buffer, node, "riscv,isa-extensions"), 9);
	assert_null(strstr(fdt_getprop(buffer, node, "riscv,isa", NULL), "sstc"));
}

static void test_with_all_features(void **state)
{
	struct guest_fdt_config c = config();
	size_t size;
	int node;

	(void)state;
	c.hart_features = UINT32_MAX;
	assert_int_equal(guest_fdt_write(&c,
	                                 (struct mut_span){ .data = buffer, .len = sizeof(buffer) },
	                                 &size),
	                 0);
	node = fdt_path_offset(buffer, "/cpus/cpu@1");
	assert_int_equal(fdt_stringlist_count(buffer, node, "riscv,isa-extensions"), 11);
	assert_int_equal(fdt_stringlist_search(buffer, node, "riscv,isa-extensions", "svvptc"), 10);
}

static void test_too_small(void **state)
{
	struct guest_fdt_config c = config();
	size_t size = 77;

	(void)state;
	for (size_t len = 0; len < 1500; len += 100)
		assert_int_equal(
			guest_fdt_write(&c, (struct mut_span){ .data = buffer, .len = len }, &size),
			ERR_TOO_LARGE);
	assert_int_equal(size, 77);
}

static error_t parse(uint64_t text_offset, uint64_t image_size, uint64_t flags, uint32_t version,
                     const char *magic, struct kernel_image *out)
{
	uint8_t header[64];
	struct writer w = writer_make(header, sizeof(header));

	writer_zero(&w, 8);
	writer_le64(&w, text_offset);
	writer_le64(&w, image_size);
	writer_le64(&w, flags);
	writer_le32(&w, version);
	writer_zero(&w, 12);
	writer_bytes(&w, "RISCV\0\0\0", 8);
	writer_bytes(&w, magic, 4);
	writer_zero(&w, 4);
	return kernel_image_parse((struct span){ .data = header, .len = sizeof(header) }, 6000000,
	                          128 << 20, out);
}

static void test_kernel_image(void **state)
{
	struct kernel_image image;

	(void)state;
	assert_int_equal(parse(0x200000, 0x60e0e8, 0, 2, "RSC\x05", &image), 0);
	assert_int_equal(image.text_offset, 0x200000);
	assert_int_equal(image.image_size, 0x60e0e8);
	// Never less than the file.
	assert_int_equal(parse(0x200000, 5, 0, 2, "RSC\x05", &image), 0);
	assert_int_equal(image.image_size, 6000000);
	assert_int_equal(parse(0x200000, 0, 0, 2, "RSC\x06", &image), ERR_INVALID);
	assert_int_equal(parse(0x200000, 0, 1, 2, "RSC\x05", &image), ERR_INVALID);
	assert_int_equal(parse(0x200000, 0, 0, 0x10000, "RSC\x05", &image), ERR_INVALID);
	assert_int_equal(parse(0x1000, 0, 0, 2, "RSC\x05", &image), ERR_INVALID);
	assert_int_equal(parse(0x200000, UINT64_MAX, 0, 2, "RSC\x05", &image), ERR_TOO_LARGE);
	assert_int_equal(parse(UINT64_MAX & ~0x1fffffull, 0, 0, 2, "RSC\x05", &image),
	                 ERR_TOO_LARGE);
	assert_int_equal(
		kernel_image_parse((struct span){ .data = buffer, .len = 63 }, 1, 1 << 30, &image),
		ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_without_features),
		cmocka_unit_test(test_with_all_features),
		cmocka_unit_test(test_too_small),
		cmocka_unit_test(test_kernel_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
