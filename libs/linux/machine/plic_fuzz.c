// SPDX-License-Identifier: MIT
//
// A guest and its devices at the interrupt controller, through the MMIO bus: after each step the
// lines are what the specification says of the registers, and nobody but the registers' owner is
// reached.
#include "libs/linux/machine/plic.h"

#include <stdlib.h>
#include <string.h>

#include "libs/base/span.h"
#include "libs/linux/machine/mmio_bus.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PLIC_START 0x0c000000ull
#define DEVICE_START 0x10001000ull
#define DEVICE_SIZE 0x1000u
#define NUM_DEVICES 3u

static uint8_t page[PLIC_READABLE_SIZE] __attribute__((aligned(4096)));
static bool lines[PLIC_MAX_CONTEXTS];
static struct plic plic;
static struct mmio_bus bus;
static uint32_t touched;  // the device that an access reached, from 1; 0: none

static void check(bool condition)
{
	if (!condition)
		abort();
}

static void set_line(void *context, uint32_t vcpu, bool level)
{
	check(context == &plic && vcpu < plic.num_contexts && lines[vcpu] != level);
	lines[vcpu] = level;
}

static void ring(void *context, uint32_t vcpu)
{
	check(context == &plic && vcpu < plic.num_contexts && plic.contexts[vcpu].posted);
}

static uint64_t read_plic(void *context, uint64_t offset, uint32_t width)
{
	check(offset < PLIC_SIZE);
	return plic_read(context, offset, width);
}

static void write_plic(void *context, uint64_t offset, uint32_t width, uint64_t value)
{
	check(offset < PLIC_SIZE);
	plic_write(context, offset, width, value);
}

static uint64_t read_device(void *context, uint64_t offset, uint32_t width)
{
	check(offset % width == 0 && offset + width <= DEVICE_SIZE);
	touched = (uint32_t)(uintptr_t)context;
	return UINT64_MAX;
}

static void write_device(void *context, uint64_t offset, uint32_t width, uint64_t value)
{
	(void)value;
	read_device(context, offset, width);
}

static const struct mmio_ops plic_ops = { .read = read_plic, .write = write_plic };
static const struct mmio_ops device_ops = { .read = read_device, .write = write_device };

static uint32_t word(uint32_t offset)
{
	uint32_t value;

	memcpy(&value, page + offset, sizeof(value));
	return value;
}

// Chapters 4 to 8: a line is high while an enabled source is pending whose priority is above the
// threshold.
static void check_lines(void)
{
	uint32_t pending = word(0x1000);

	check((pending & 1) == 0 && (pending & plic.in_service) == 0 && word(0) == 0);
	for (uint32_t i = 0; i < PLIC_MAX_CONTEXTS; i++) {
		bool level = false;

		for (uint32_t source = 1; source <= PLIC_MAX_SOURCES; source++)
			level |= i < plic.num_contexts &&
				(pending & word(0x2000 + 0x80 * i) & 1u << source) != 0 &&
				word(4 * source) > plic.contexts[i].threshold;
		check(lines[i] == level);
		// What could be posted was.
		check(!level || !plic.contexts[i].posted);
	}
	for (uint32_t source = plic.num_sources + 1; source <= PLIC_MAX_SOURCES; source++)
		check(word(4 * source) == 0 && (pending & 1u << source) == 0);
}

// An address in and around the bus's regions; most at registers.
static gpa_t any_address(struct reader *r)
{
	static const gpa_t starts[] = { PLIC_START,
		                        PLIC_START + 0x1000,
		                        PLIC_START + 0x2000,
		                        PLIC_START + 0x200000,
		                        PLIC_START + 0x201000,
		                        PLIC_START + PLIC_SIZE - 16,
		                        DEVICE_START,
		                        DEVICE_START + NUM_DEVICES * DEVICE_SIZE - 16 };
	uint8_t which = reader_u8(r);

	if (which == 255)
		return reader_le64(r);
	return starts[which % 8] + ((which & 8) != 0 ? reader_le16(r) : reader_u8(r) % 64 * 4u);
}

static void access_bus(struct reader *r)
{
	gpa_t gpa = any_address(r);
	uint8_t how = reader_u8(r);
	uint32_t width = (how & 0x30) == 0 ? how >> 6 : 1u << (how & 0x30 ? 2 : how & 3);
	uint64_t value = reader_u8(r);
	bool is_device = gpa >= DEVICE_START && gpa < DEVICE_START + NUM_DEVICES * DEVICE_SIZE;
	error_t err;

	if ((how & 4) != 0)
		value |= reader_le64(r);
	touched = 0;
	if ((how & 8) != 0)
		err = mmio_bus_read(&bus, gpa, width, &value);
	else
		err = mmio_bus_write(&bus, gpa, width, value);
	check(touched == (err == 0 && is_device ? (gpa - DEVICE_START) / DEVICE_SIZE + 1 : 0));
	check(err != 0 || (width != 0 && gpa % width == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_make(data, size);

	memset(page, 0, sizeof(page));
	memset(lines, 0, sizeof(lines));
	bus = (struct mmio_bus){ 0 };
	plic = (struct plic){ .num_sources = reader_u8(&r) % PLIC_MAX_SOURCES + 1,
		              .num_contexts = reader_u8(&r) % PLIC_MAX_CONTEXTS + 1,
		              .page = page,
		              .set_line = set_line,
		              .ring = ring,
		              .line_context = &plic };
	check(mmio_bus_add(&bus, PLIC_START, PLIC_SIZE, &plic_ops, &plic) == 0);
	for (uintptr_t i = 0; i < NUM_DEVICES; i++)
		check(mmio_bus_add(&bus, DEVICE_START + i * DEVICE_SIZE, DEVICE_SIZE, &device_ops,
		                   (void *)(i + 1)) == 0);
	while (r.rest.len > 0 && reader_status(&r) == 0) {
		uint8_t op = reader_u8(&r);

		if (op < 80)
			plic_set_source(&plic, op / 2, op % 2 != 0);
		else if (op < 110)
			check(plic_post(&plic, op - 80u) ==
			      (plic.posts && op > 80 && op - 80u <= plic.num_sources));
		else
			access_bus(&r);
		check_lines();
	}
	return 0;
}
