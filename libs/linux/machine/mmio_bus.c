// SPDX-License-Identifier: MIT

#include "libs/linux/machine/mmio_bus.h"

#include <stddef.h>

error_t mmio_bus_add(struct mmio_bus *bus, gpa_t start, uint64_t size, const struct mmio_ops *ops,
                     void *context)
{
	uint32_t at = 0;

	if (size == 0 || start + size < start)
		return ERR_RANGE;
	if (bus->num_regions == MMIO_BUS_MAX_REGIONS)
		return ERR_LIMIT;
	while (at < bus->num_regions && bus->regions[at].start < start)
		at++;
	if (at > 0 && start - bus->regions[at - 1].start < bus->regions[at - 1].size)
		return ERR_EXISTS;
	if (at < bus->num_regions && bus->regions[at].start - start < size)
		return ERR_EXISTS;
	for (uint32_t i = bus->num_regions; i > at; i--)
		bus->regions[i] = bus->regions[i - 1];
	bus->regions[at] = (struct mmio_region){ .start = start,
		                                 .size = size,
		                                 .ops = ops,
		                                 .context = context };
	bus->num_regions++;
	return 0;
}

static error_t bus_find(const struct mmio_bus *bus, gpa_t gpa, uint32_t width,
                        const struct mmio_region **out)
{
	uint32_t low = 0, high = bus->num_regions;

	if ((width != 1 && width != 2 && width != 4 && width != 8) || gpa % width != 0)
		return ERR_INVALID;
	// The last region that starts at or before `gpa`.
	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (bus->regions[middle].start <= gpa)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return ERR_ADDRESS;
	const struct mmio_region *region = &bus->regions[low - 1];
	uint64_t offset = gpa - region->start;
	if (offset >= region->size || width > region->size - offset)
		return ERR_ADDRESS;
	*out = region;
	return 0;
}

error_t mmio_bus_read(const struct mmio_bus *bus, gpa_t gpa, uint32_t width, uint64_t *value)
{
	const struct mmio_region *region;
	error_t err = bus_find(bus, gpa, width, &region);

	if (err < 0)
		return err;
	*value = region->ops->read(region->context, gpa - region->start, width);
	return 0;
}

error_t mmio_bus_write(const struct mmio_bus *bus, gpa_t gpa, uint32_t width, uint64_t value)
{
	const struct mmio_region *region;
	error_t err = bus_find(bus, gpa, width, &region);

	if (err < 0)
		return err;
	region->ops->write(region->context, gpa - region->start, width, value);
	return 0;
}
