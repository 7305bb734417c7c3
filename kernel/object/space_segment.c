// SPDX-License-Identifier: MIT
//
// Programs in address spaces: segments at addresses that they were linked for.
#include "kernel/arch/riscv64/layout.h"
#include "kernel/object/space_private.h"
#include "libs/abi/launcher.h"

static error_t check_segment_locked(const struct space *space, uintptr_t addr, size_t size)
{
	if (((addr | size) & (PAGE_SIZE - 1)) != 0 || size == 0)
		return ERR_INVALID;
	if (addr < USER_BASE || addr >= PROCESS_SEGMENTS_END || size > PROCESS_SEGMENTS_END - addr)
		return ERR_RANGE;
	list_for_each(pos, &space->mappings) {
		const struct mapping *other = container_of(pos, struct mapping, entry);

		if (addr < other->addr + other->size && other->addr < addr + size)
			return ERR_EXISTS;
	}
	return 0;
}

// A mapping at an address of the caller's choice, in the list of used ones.
static error_t segment_create(struct space *space, uintptr_t addr, size_t size, uint32_t prot,
                              struct mapping **out)
{
	struct mapping *mapping;
	error_t error = mapping_alloc(space, &mapping);

	if (error != 0)
		return error;
	mapping->addr = addr;
	mapping->size = size;
	mapping->prot = prot;
	spin_lock(&space->lock);
	error = check_segment_locked(space, addr, size);
	if (error == 0)
		list_push_back(&space->mappings, &mapping->entry);
	spin_unlock(&space->lock);
	if (error != 0)
		mapping_free(mapping);
	else
		*out = mapping;
	return error;
}

// Maps memory that the caller keeps there.
static error_t map_memory(struct space *space, uintptr_t addr, size_t size, uint32_t prot,
                          paddr_t paddr, struct mapping **out)
{
	struct mapping *mapping;
	error_t error = segment_create(space, addr, size, prot, &mapping);

	if (error != 0)
		return error;
	error = mapping_map(mapping, 0, paddr, size);
	if (error != 0)
		mapping_destroy(mapping);
	else
		*out = mapping;
	return error;
}

error_t space_map_segment(struct space *space, uintptr_t addr, size_t size, uint32_t prot,
                          struct folio *folio, size_t offset)
{
	struct mapping *mapping;
	error_t error = map_memory(space, addr, size, prot, folio->paddr + offset, &mapping);

	if (error != 0)
		return error;
	object_get(&folio->object);
	mapping->source = folio;
	return 0;
}

error_t space_map_data(struct space *space, uintptr_t addr, size_t size, const uint8_t *bytes,
                       size_t len)
{
	struct mapping *mapping;
	error_t error = segment_create(space, addr, size, SPACE_READ | SPACE_WRITE, &mapping);

	if (error != 0)
		return error;
	mapping->owned = true;
	error = mapping_fill_zeroed(mapping);
	if (error == 0)
		error = space_copy_to(space, addr, bytes, len);
	if (error != 0)
		mapping_destroy(mapping);
	return error;
}

// --- Apps of the image ---

static error_t load_segment(struct space *space, uintptr_t addr, const uint8_t *bytes, size_t size,
                            uint32_t prot)
{
	error_t error;

	if (size == 0)
		return 0;
	spin_lock(&space->lock);
	error = space_map_locked(space, addr, image_paddr(bytes), size, prot);
	spin_unlock(&space->lock);
	return error;
}

error_t space_load(struct space *space, const struct user_image *image)
{
	error_t error = load_segment(space, image->text_address, image->text, image->text_size,
	                             SPACE_READ | SPACE_EXECUTE);

	if (error == 0)
		error = load_segment(space, image->rodata_address, image->rodata,
		                     image->rodata_size, SPACE_READ);
	if (error == 0 && image->data_total > 0)
		error = space_map_data(space, image->data_address, image->data_total, image->data,
		                       image->data_size);
	return error;
}

error_t space_map_image(struct space *space, const struct user_image *image)
{
	struct mapping *text = NULL;
	struct mapping *rodata = NULL;
	error_t error = map_memory(space, image->text_address, image->text_size,
	                           SPACE_READ | SPACE_EXECUTE, image_paddr(image->text), &text);

	if (error == 0 && image->rodata_size > 0)
		error = map_memory(space, image->rodata_address, image->rodata_size, SPACE_READ,
		                   image_paddr(image->rodata), &rodata);
	if (error == 0 && image->data_total > 0)
		error = space_map_data(space, image->data_address, image->data_total, image->data,
		                       image->data_size);
	if (error != 0 && rodata != NULL)
		mapping_destroy(rodata);
	if (error != 0 && text != NULL)
		mapping_destroy(text);
	return error;
}
