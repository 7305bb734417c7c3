// SPDX-License-Identifier: MIT
//
// A driver for the tests of device models: 160 KiB of guest memory and hand-written rings in it.
#pragma once

#include <string.h>

#include "libs/virtio/device_mmio.h"
#include "libs/virtio/spec.h"

#define TEST_GPA 0x80000000ull
#define TEST_SIZE (160u * 1024)
#define TEST_QUEUE_SIZE 8u
// Queue N has its rings at N * 4096, buffers start behind all of them.
#define TEST_BUFFERS (64u * 1024)

struct test_guest {
	struct guest_memory mem;
	uint8_t page[PAGE_SIZE] __attribute__((aligned(4096)));
	bool irq;
	uint32_t irqs;  // times that the line rose
	bool takes_posts;
	uint32_t posts;   // edges that were posted
	uint32_t laters;  // calls of notify_later

	// Last, so that who needs more memory allocates more.
	uint8_t memory[TEST_SIZE] __attribute__((aligned(4096)));
};

static inline void test_set_irq(void *context, uint32_t irq, bool level)
{
	struct test_guest *g = context;

	(void)irq;
	g->irqs += level && !g->irq;
	g->irq = level;
}

static inline bool test_post_irq(void *context, uint32_t irq)
{
	struct test_guest *g = context;

	(void)irq;
	g->posts += g->takes_posts;
	return g->takes_posts;
}

static inline void test_notify_later(void *context, uint32_t irq)
{
	struct test_guest *g = context;

	(void)irq;
	g->laters++;
}

static inline void test_guest_init(struct test_guest *g, struct virtio_mmio_device *dev)
{
	memset(g, 0, sizeof(*g));
	g->mem = (struct guest_memory){ .gpa = TEST_GPA, .base = g->memory, .size = TEST_SIZE };
	dev->mem = &g->mem;
	dev->page = g->page;
	dev->set_irq = test_set_irq;
	dev->post_irq = test_post_irq;
	dev->notify_later = test_notify_later;
	dev->irq_context = g;
	dev->irq = 1;
}

static inline struct virtq_desc *test_desc(struct test_guest *g, uint32_t queue, uint32_t index)
{
	return (struct virtq_desc *)(void *)(g->memory + queue * 4096 + 16 * index);
}

static inline struct virtq_avail *test_avail(struct test_guest *g, uint32_t queue)
{
	return (struct virtq_avail *)(void *)(g->memory + queue * 4096 + 1024);
}

static inline struct virtq_used *test_used(struct test_guest *g, uint32_t queue)
{
	return (struct virtq_used *)(void *)(g->memory + queue * 4096 + 2048);
}

static inline void test_set_desc(struct test_guest *g, uint32_t queue, uint16_t index,
                                 uint64_t addr, uint32_t len, uint16_t flags, uint16_t next)
{
	*test_desc(g, queue, index) =
		(struct virtq_desc){ .addr = addr, .len = len, .flags = flags, .next = next };
}

// Makes the chain that starts at `head` available.
static inline void test_offer(struct test_guest *g, uint32_t queue, uint16_t head)
{
	struct virtq_avail *avail = test_avail(g, queue);

	avail->ring[avail->idx % TEST_QUEUE_SIZE] = head;
	avail->idx++;
}

static inline void test_write_reg(struct virtio_mmio_device *dev, uint32_t reg, uint32_t value)
{
	virtio_mmio_write(dev, reg, 4, value);
}

static inline uint32_t test_read_reg(struct virtio_mmio_device *dev, uint32_t reg)
{
	return (uint32_t)virtio_mmio_read(dev, reg, 4);
}

static inline void test_start_queue(struct virtio_mmio_device *dev, uint32_t queue)
{
	uint64_t base = TEST_GPA + queue * 4096;

	test_write_reg(dev, VIRTIO_MMIO_QUEUE_SEL, queue);
	test_write_reg(dev, VIRTIO_MMIO_QUEUE_NUM, TEST_QUEUE_SIZE);
	test_write_reg(dev, VIRTIO_MMIO_QUEUE_DESC_LOW, (uint32_t)base);
	test_write_reg(dev, VIRTIO_MMIO_QUEUE_DRIVER_LOW, (uint32_t)base + 1024);
	test_write_reg(dev, VIRTIO_MMIO_QUEUE_DEVICE_LOW, (uint32_t)base + 2048);
	test_write_reg(dev, VIRTIO_MMIO_QUEUE_READY, 1);
}

// What a driver does up to DRIVER_OK (section 3.1.1), with the given features besides VERSION_1.
static inline void test_start_device(struct virtio_mmio_device *dev, uint64_t features)
{
	features |= VIRTIO_F_VERSION_1;
	test_write_reg(dev, VIRTIO_MMIO_STATUS, 0);
	test_write_reg(dev, VIRTIO_MMIO_STATUS, VIRTIO_STATUS_ACKNOWLEDGE);
	test_write_reg(dev, VIRTIO_MMIO_STATUS, VIRTIO_STATUS_DRIVER);
	test_write_reg(dev, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	test_write_reg(dev, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)features);
	test_write_reg(dev, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	test_write_reg(dev, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features >> 32));
	test_write_reg(dev, VIRTIO_MMIO_STATUS, VIRTIO_STATUS_FEATURES_OK);
	for (uint32_t i = 0; i < dev->num_queues; i++)
		test_start_queue(dev, i);
	test_write_reg(dev, VIRTIO_MMIO_STATUS, VIRTIO_STATUS_DRIVER_OK);
}
