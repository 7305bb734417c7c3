// SPDX-License-Identifier: MIT
#include "libs/virtio/mmio.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "libs/starina/host_kernel.h"

// --- A fake device behind the registers ---

static struct {
	uint32_t magic, version, device_id;
	uint64_t features, driver_features;
	uint32_t features_sel, driver_features_sel, queue_sel, queue_max;
	uint32_t status, interrupt_status, queue_num, queue_ready, notified;
	uint64_t desc;
	uint32_t generation;
	uint32_t restless;  // the configuration changes at each of so many reads
	bool refuses_features;
	bool never_resets;
	uint8_t config[16];
	volatile uint8_t *base;
} fake;

static uint32_t config_read(uint32_t offset, size_t width)
{
	uint32_t value = 0;

	assert_true(offset % width == 0 && offset + width <= sizeof(fake.config));
	memcpy(&value, fake.config + offset, width);
	if (fake.restless > 0) {
		fake.restless--;
		fake.generation++;
		fake.config[0]++;
	}
	return value;
}

uint32_t virtio_fake_read(volatile void *address, size_t width);
void virtio_fake_write(volatile void *address, uint32_t value);

uint32_t virtio_fake_read(volatile void *address, size_t width)
{
	uint32_t offset = (uint32_t)((volatile uint8_t *)address - fake.base);

	if (offset >= VIRTIO_MMIO_CONFIG)
		return config_read(offset - VIRTIO_MMIO_CONFIG, width);
	assert_int_equal(width, 4);
	switch (offset) {
	case VIRTIO_MMIO_MAGIC_VALUE: return fake.magic;
	case VIRTIO_MMIO_VERSION: return fake.version;
	case VIRTIO_MMIO_DEVICE_ID: return fake.device_id;
	case VIRTIO_MMIO_DEVICE_FEATURES:
		return (uint32_t)(fake.features >> 32 * fake.features_sel);
	case VIRTIO_MMIO_QUEUE_NUM_MAX: return fake.queue_sel == 0 ? fake.queue_max : 0;
	case VIRTIO_MMIO_QUEUE_READY: return fake.queue_ready;
	case VIRTIO_MMIO_INTERRUPT_STATUS: return fake.interrupt_status;
	case VIRTIO_MMIO_STATUS: return fake.status;
	case VIRTIO_MMIO_CONFIG_GENERATION: return fake.generation;
	default: fail_msg("read of register 0x%x", offset); return 0;
	}
}

static void status_write(uint32_t value)
{
	if (value == 0 && fake.never_resets)
		return;
	if (fake.refuses_features)
		value &= ~VIRTIO_STATUS_FEATURES_OK;
	fake.status = value;
}

void virtio_fake_write(volatile void *address, uint32_t value)
{
	uint32_t offset = (uint32_t)((volatile uint8_t *)address - fake.base);

	switch (offset) {
	case VIRTIO_MMIO_STATUS: status_write(value); break;
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL: fake.features_sel = value; break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL: fake.driver_features_sel = value; break;
	case VIRTIO_MMIO_DRIVER_FEATURES:
		fake.driver_features |= (uint64_t)value << 32 * fake.driver_features_sel;
		break;
	case VIRTIO_MMIO_QUEUE_SEL: fake.queue_sel = value; break;
	case VIRTIO_MMIO_QUEUE_NUM: fake.queue_num = value; break;
	case VIRTIO_MMIO_QUEUE_READY: fake.queue_ready = value; break;
	case VIRTIO_MMIO_QUEUE_DESC_LOW: fake.desc |= value; break;
	case VIRTIO_MMIO_QUEUE_DESC_HIGH: fake.desc |= (uint64_t)value << 32; break;
	case VIRTIO_MMIO_QUEUE_NOTIFY: fake.notified = value + 1; break;
	case VIRTIO_MMIO_INTERRUPT_ACK: fake.interrupt_status &= ~value; break;
	default:
		assert_in_range(offset, VIRTIO_MMIO_QUEUE_DRIVER_LOW,
		                VIRTIO_MMIO_QUEUE_DEVICE_HIGH);
	}
}

static struct env_entry entry = { .kind = ENV_DEVICE,
	                          .interrupt = 77,
	                          .reg_offset = 0x200,
	                          .reg_size = 0x110 };
static struct virtio_device dev;

static int setup(void **state)
{
	void *base = NULL;

	(void)state;
	memset(&fake, 0, sizeof(fake));
	host_log_line[0] = '\0';
	fake.magic = VIRTIO_MMIO_MAGIC;
	fake.version = 2;
	fake.device_id = VIRTIO_ID_BLOCK;
	fake.features = VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_BLK_F_RO |
		VIRTIO_F_RING_PACKED;
	fake.queue_max = 64;
	fake.status = VIRTIO_STATUS_DRIVER_OK;  // a driver died
	if (folio_create(PAGE_SIZE, FOLIO_CONTIGUOUS, &entry.handle) != 0 ||
	    folio_map(entry.handle, PROT_READ, &base) != 0)
		return -1;
	fake.base = (volatile uint8_t *)base + entry.reg_offset;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return handle_close(entry.handle);
}

static error_t open_device(void)
{
	return virtio_device_open(&dev, &entry, VIRTIO_ID_BLOCK, "disk");
}

static void test_starts(void **state)
{
	struct virtqueue vq, none;
	struct virtqueue_buffer one = { .paddr = 1, .len = 1 };

	(void)state;
	assert_int_equal(open_device(), 0);
	assert_int_equal(fake.status, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER);
	assert_int_equal(virtio_device_negotiate(&dev, VIRTIO_BLK_F_RO | VIRTIO_BLK_F_FLUSH), 0);
	// Offered and wanted; FLUSH was not offered, the packed ring not wanted.
	assert_true(fake.driver_features ==
	            (VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_BLK_F_RO));
	assert_true(dev.features == fake.driver_features);
	assert_true(virtio_device_has(&dev, VIRTIO_BLK_F_RO));
	assert_false(virtio_device_has(&dev, VIRTIO_BLK_F_FLUSH));

	assert_int_equal(virtio_queue_setup(&dev, 1, 256, &none), ERR_NOT_FOUND);
	assert_int_equal(virtio_queue_setup(&dev, 0, 256, &vq), 0);
	assert_int_equal(vq.size, 64);  // not more than the device can
	assert_int_equal(fake.queue_num, 64);
	assert_int_equal(fake.queue_ready, 1);
	assert_true(fake.desc == virtqueue_desc_paddr(&vq));
	virtio_device_start(&dev);
	assert_true((fake.status & VIRTIO_STATUS_DRIVER_OK) != 0);

	virtio_queue_kick(&dev, 0, &vq);
	assert_int_equal(fake.notified, 0);
	assert_int_equal(virtqueue_push(&vq, &one, 1, &one), 0);
	virtio_queue_kick(&dev, 0, &vq);
	assert_int_equal(fake.notified, 1);
	fake.interrupt_status = VIRTIO_MMIO_INT_VRING;
	assert_int_equal(virtio_interrupt_take(&dev), VIRTIO_MMIO_INT_VRING);
	assert_int_equal(fake.interrupt_status, 0);
	virtio_device_reset(&dev);
	assert_int_equal(fake.status, 0);
	virtqueue_deinit(&vq);
}

static void test_refuses_legacy(void **state)
{
	(void)state;
	fake.version = 1;
	assert_int_equal(open_device(), ERR_NOT_SUPPORTED);
	assert_non_null(strstr(host_log_line, "-global virtio-mmio.force-legacy=false"));
}

static void test_refuses_others(void **state)
{
	(void)state;
	fake.version = 3;
	assert_int_equal(open_device(), ERR_NOT_SUPPORTED);
	fake.version = 2;
	fake.device_id = 0;  // an empty slot
	assert_int_equal(open_device(), ERR_NOT_FOUND);
	fake.device_id = VIRTIO_ID_BLOCK;
	fake.magic = 0;
	assert_int_equal(open_device(), ERR_IO);
	fake.magic = VIRTIO_MMIO_MAGIC;
	fake.never_resets = true;
	assert_int_equal(open_device(), ERR_IO);
}

static void test_refuses_bad_features(void **state)
{
	(void)state;
	assert_int_equal(open_device(), 0);
	fake.features &= ~VIRTIO_F_VERSION_1;
	assert_int_equal(virtio_device_negotiate(&dev, 0), ERR_NOT_SUPPORTED);
	assert_true((fake.status & VIRTIO_STATUS_FAILED) != 0);

	fake.features |= VIRTIO_F_VERSION_1;
	fake.refuses_features = true;
	assert_int_equal(open_device(), 0);
	assert_int_equal(virtio_device_negotiate(&dev, 0), ERR_NOT_SUPPORTED);
}

static void test_reads_config(void **state)
{
	uint64_t value;
	uint8_t bytes[8];

	(void)state;
	assert_int_equal(open_device(), 0);
	for (uint8_t i = 0; i < sizeof(fake.config); i++)
		fake.config[i] = (uint8_t)(i + 1);
	assert_int_equal(virtio_config_read(&dev, 0, 4, 2, &value), 0);
	assert_true(value == 0x0807060504030201);
	assert_int_equal(virtio_config_read(&dev, 3, 1, 2, bytes), 0);
	assert_int_equal(bytes[1], 5);
	// Past the registers; misaligned.
	assert_int_equal(virtio_config_read(&dev, 12, 4, 2, &value), ERR_RANGE);
	assert_int_equal(virtio_config_read(&dev, SIZE_MAX - 3, 4, 2, &value), ERR_RANGE);
	assert_int_equal(virtio_config_read(&dev, 2, 4, 1, &value), ERR_RANGE);
}

static void test_config_that_changes(void **state)
{
	uint64_t value;

	(void)state;
	assert_int_equal(open_device(), 0);
	fake.restless = 3;
	assert_int_equal(virtio_config_read(&dev, 0, 4, 2, &value), 0);
	assert_int_equal(value, 3);  // as it is in the end
	fake.restless = UINT32_MAX;
	assert_int_equal(virtio_config_read(&dev, 0, 4, 2, &value), ERR_IO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_starts),         TEST(test_refuses_legacy),
		TEST(test_refuses_others), TEST(test_refuses_bad_features),
		TEST(test_reads_config),   TEST(test_config_that_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
