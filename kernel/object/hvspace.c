// SPDX-License-Identifier: MIT
#include "kernel/object/hvspace.h"

#include "kernel/arch/riscv64/hv/hv.h"
#include "kernel/mm/page.h"
#include "kernel/object/event.h"
#include "kernel/object/vcpu.h"
#include "libs/base/span.h"
#include "libs/base/string.h"

static void hvspace_destroy(struct object *object);

static const struct object_ops hvspace_ops = {
	.type = OBJECT_HVSPACE,
	.rights = RIGHT_READ | RIGHT_WRITE | RIGHT_TRANSFER | RIGHT_DUPLICATE,
	.destroy = hvspace_destroy,
};

// The tables are charged to the space's account.
static error_t make_root(struct hvspace *space)
{
	error_t err = account_charge(space->object.account, GSTAGE_ROOT_SIZE);

	if (err != 0)
		return err;
	err = gstage_init(&space->gstage);
	if (err != 0) {
		space->gstage.root = 0;
		account_uncharge(space->object.account, GSTAGE_ROOT_SIZE);
	}
	return err;
}

static void free_tables(struct hvspace *space)
{
	uint64_t size = GSTAGE_ROOT_SIZE + space->gstage.num_tables * PAGE_SIZE;

	if (space->gstage.root == 0)
		return;
	gstage_deinit(&space->gstage);
	account_uncharge(space->object.account, size);
}

// gstage_map with the lock held. Errors: as gstage_map; ERR_NO_MEMORY also over the account's
// limit.
static error_t map_charged_locked(struct hvspace *space, gpa_t gpa, paddr_t paddr, uint64_t size,
                                  uint32_t prot)
{
	struct account *account = space->object.account;
	uint64_t before = space->gstage.num_tables;
	uint64_t most = gstage_levels() - 1;
	error_t err;

	if (account_charge(account, most * PAGE_SIZE) != 0)
		return ERR_NO_MEMORY;
	err = gstage_map(&space->gstage, gpa, paddr, size, prot);
	account_uncharge(account, (most - (space->gstage.num_tables - before)) * PAGE_SIZE);
	return err;
}

error_t hvspace_object_create(struct account *account, struct hvspace **out)
{
	static uint32_t last_id;
	struct hvspace *space;
	error_t err;

	if (!arch_has_hypervisor())
		return ERR_NOT_SUPPORTED;
	if (!hv_init_once())
		return ERR_NOT_SUPPORTED;

	err = object_alloc(&hvspace_ops, sizeof(*space), account, &space);
	if (err != 0)
		return err;
	spinlock_init(&space->lock, LOCK_RANK_VM);
	space->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
	err = make_root(space);
	if (err != 0) {
		object_put(&space->object);
		return err;
	}
	space->time_origin = hv_time();
	space->layout = 1;
	*out = space;
	return 0;
}

static void mapping_release(struct hvspace_mapping *mapping)
{
	folio_remove_user(mapping->folio, &mapping->user);
	object_put(&mapping->folio->object);
	mapping->folio = NULL;
}

static void hvspace_destroy(struct object *object)
{
	struct hvspace *space = hvspace_from_object(object);

	// Each vCPU holds a reference to its space, so none is left and no hart enters it any more.
	// What harts still remember of it goes before the memory does.
	hv_fence_gstage();
	// A folio that others hold may be discarded right now, which reaches into the tables until
	// the folio has forgotten us.
	for (size_t i = 0; i < HVSPACE_MAX_MAPPINGS; i++) {
		if (space->mappings[i].folio != NULL)
			mapping_release(&space->mappings[i]);
	}
	free_tables(space);
	for (size_t i = 0; i < HVSPACE_MAX_NOTIFIES; i++) {
		if (space->notifies[i].event != NULL)
			object_put(&space->notifies[i].event->object);
	}
	object_free(&space->object);
}

// Unmaps a range of the tables; the lock is held. Returns whether translations have to be fenced.
static bool unmap_tables_locked(struct hvspace *space, gpa_t gpa, uint64_t length)
{
	space->generation++;
	return gstage_unmap(&space->gstage, gpa, length);
}

// Called by the folio, with its lock held.
static void mapping_discard(struct folio_user *user, size_t offset, size_t length)
{
	struct hvspace_mapping *mapping = container_of(user, struct hvspace_mapping, user);
	struct hvspace *space = mapping->space;
	uint64_t start = mapping->offset > offset ? mapping->offset : offset;
	uint64_t end = offset + length;
	bool fence;

	if (end > mapping->offset + mapping->length)
		end = mapping->offset + mapping->length;
	if (start >= end)
		return;
	spin_lock(&space->lock);
	fence = unmap_tables_locked(space, mapping->gpa + (start - mapping->offset), end - start);
	spin_unlock(&space->lock);
	if (fence)
		hv_fence_gstage();
}

// Called by the folio, with its lock held: the VMM has touched what there is no memory for. The
// guest may never touch it, and ends all the same.
static void mapping_lost(struct folio_user *user)
{
	struct hvspace *space = container_of(user, struct hvspace_mapping, user)->space;

	__atomic_store_n(&space->memory_lost, true, __ATOMIC_SEQ_CST);
	// A vCPU takes itself out under this lock before it is freed.
	spin_lock(&space->lock);
	for (size_t i = 0; i < HVSPACE_MAX_VCPUS; i++) {
		if (space->vcpus[i] != NULL)
			vcpu_request(space->vcpus[i], VCPU_REQ_RESUME);
	}
	spin_unlock(&space->lock);
}

static bool is_whole_pages(uint64_t value)
{
	return (value & (PAGE_SIZE - 1)) == 0;
}

static error_t check_mapping(gpa_t gpa, const struct folio *folio, uint64_t offset, uint64_t length,
                             uint32_t prot)
{
	if (!is_whole_pages(gpa) || !is_whole_pages(offset) || !is_whole_pages(length) ||
	    length == 0)
		return ERR_INVALID;
	// Sv39x4 has no write-only pages, and a guest that cannot read what it runs is of no use.
	if ((prot & PROT_READ) == 0 || (prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC)) != 0)
		return ERR_INVALID;
	if (!range_within(offset, length, folio->size) || !range_within(gpa, length, GSTAGE_SIZE))
		return ERR_RANGE;
	return 0;
}

// A slot for the mapping; the lock is held.
static error_t claim_slot_locked(struct hvspace *space, gpa_t gpa, uint64_t length,
                                 struct hvspace_mapping **out)
{
	struct hvspace_mapping *slot = NULL;

	for (size_t i = 0; i < HVSPACE_MAX_MAPPINGS; i++) {
		struct hvspace_mapping *m = &space->mappings[i];

		if (m->folio == NULL) {
			if (slot == NULL && !m->leaving)
				slot = m;
			continue;
		}
		if (gpa < m->gpa + m->length && m->gpa < gpa + length)
			return ERR_EXISTS;
	}
	if (slot == NULL)
		return ERR_LIMIT;
	*out = slot;
	return 0;
}

error_t hvspace_map(struct hvspace *space, gpa_t gpa, struct folio *folio, uint64_t offset,
                    uint64_t length, uint32_t prot)
{
	struct hvspace_mapping *mapping;
	error_t err = check_mapping(gpa, folio, offset, length, prot);

	if (err != 0)
		return err;

	spin_lock(&space->lock);
	err = claim_slot_locked(space, gpa, length, &mapping);
	if (err != 0) {
		spin_unlock(&space->lock);
		return err;
	}
	object_get(&folio->object);
	*mapping = (struct hvspace_mapping){
		.gpa = gpa,
		.length = length,
		.offset = offset,
		.prot = prot,
		.folio = folio,
		.space = space,
		.user.discard = mapping_discard,
		.user.lost = mapping_lost,
		// until the folio knows of it: no fault maps memory whose discard we would not hear
		// of
		.leaving = true,
	};
	spin_unlock(&space->lock);

	folio_add_user(folio, &mapping->user);
	spin_lock(&space->lock);
	mapping->leaving = false;
	space->layout++;
	spin_unlock(&space->lock);
	return 0;
}

error_t hvspace_unmap(struct hvspace *space, gpa_t gpa, uint64_t length)
{
	struct hvspace_mapping *mapping = NULL;
	struct folio *folio;
	bool fence;

	spin_lock(&space->lock);
	for (size_t i = 0; i < HVSPACE_MAX_MAPPINGS; i++) {
		struct hvspace_mapping *m = &space->mappings[i];

		if (m->folio != NULL && !m->leaving && m->gpa == gpa && m->length == length)
			mapping = m;
	}
	if (mapping == NULL) {
		spin_unlock(&space->lock);
		return ERR_NOT_FOUND;
	}
	folio = mapping->folio;
	mapping->leaving = true;
	space->layout++;
	fence = unmap_tables_locked(space, gpa, length);
	spin_unlock(&space->lock);

	if (fence)
		hv_fence_gstage();
	folio_remove_user(folio, &mapping->user);
	spin_lock(&space->lock);
	mapping->folio = NULL;
	mapping->leaving = false;
	spin_unlock(&space->lock);
	object_put(&folio->object);
	return 0;
}

// The mapping that holds `gpa`; the lock is held.
static struct hvspace_mapping *find_mapping_locked(struct hvspace *space, gpa_t gpa)
{
	for (size_t i = 0; i < HVSPACE_MAX_MAPPINGS; i++) {
		struct hvspace_mapping *m = &space->mappings[i];

		if (m->folio != NULL && !m->leaving && gpa >= m->gpa && gpa - m->gpa < m->length)
			return m;
	}
	return NULL;
}

// Enters the populated memory into the tables; the lock is held. A block is used where the guest's
// and the folio's blocks coincide and lie in the mapping whole.
static error_t map_populated_locked(struct hvspace *space, const struct hvspace_mapping *m,
                                    gpa_t gpa, paddr_t paddr, size_t size)
{
	gpa_t block = gpa & ~(BLOCK_SIZE - 1);
	uint64_t offset = m->offset + (gpa - m->gpa);
	gpa_t page = gpa & ~(PAGE_SIZE - 1);

	if (size == BLOCK_SIZE && ((gpa ^ offset) & (BLOCK_SIZE - 1)) == 0 && block >= m->gpa &&
	    m->length - (block - m->gpa) >= BLOCK_SIZE) {
		error_t err = map_charged_locked(space, block, paddr, BLOCK_SIZE, m->prot);

		// Pages of this block were mapped before the folio had the block: go on with pages.
		if (err != ERR_EXISTS)
			return err;
	}
	return map_charged_locked(space, page, paddr + ((offset & (size - 1)) & ~(PAGE_SIZE - 1)),
	                          PAGE_SIZE, m->prot);
}

// Where a byte of the guest lies, for use without the space's lock: `folio` is referenced, and all
// holds as long as the space's generation is this one.
struct backing {
	struct folio *folio;
	uint64_t offset;
	uint64_t generation;
};

static struct backing backing_get_locked(const struct hvspace *space,
                                         const struct hvspace_mapping *m, gpa_t gpa)
{
	object_get(&m->folio->object);
	return (struct backing){ .folio = m->folio,
		                 .offset = m->offset + (gpa - m->gpa),
		                 .generation = space->generation };
}

// One try of hvspace_fault. Returns false when the mappings changed meanwhile and it has to start
// over.
static bool fault_once(struct hvspace *space, gpa_t gpa, uint32_t prot,
                       enum hvspace_fault_result *result)
{
	struct hvspace_mapping *m;
	struct backing backing;
	paddr_t paddr;
	size_t size;
	error_t err;

	spin_lock(&space->lock);
	m = find_mapping_locked(space, gpa);
	if (m == NULL || (m->prot & prot) != prot) {
		*result = m == NULL ? HVSPACE_FAULT_UNBACKED : HVSPACE_FAULT_DENIED;
		spin_unlock(&space->lock);
		return true;
	}
	backing = backing_get_locked(space, m, gpa);
	spin_unlock(&space->lock);

	// Not under our lock: it takes the folio's and the page allocator's.
	err = folio_populate(backing.folio, backing.offset, &paddr, &size);

	spin_lock(&space->lock);
	if (err == 0 && space->generation == backing.generation)
		err = map_populated_locked(space, m, gpa, paddr, size);
	else if (err == 0)
		err = ERR_BAD_STATE;
	spin_unlock(&space->lock);
	object_put(&backing.folio->object);

	*result = err == 0 ? HVSPACE_FAULT_MAPPED : HVSPACE_FAULT_NO_MEMORY;
	return err != ERR_BAD_STATE;
}

enum hvspace_fault_result hvspace_fault(struct hvspace *space, gpa_t gpa, uint32_t prot)
{
	enum hvspace_fault_result result;

	if (__atomic_load_n(&space->memory_lost, __ATOMIC_RELAXED))
		return HVSPACE_FAULT_NO_MEMORY;
	// An unmap or discard that won the race leaves the access to fault again: nothing spins
	// here.
	if (!fault_once(space, gpa, prot, &result))
		return HVSPACE_FAULT_MAPPED;
	return result;
}

// Copies from one page. Between populating it and the copy's end the page must not have been given
// back to somebody else: then the generation has changed, and what was copied is not the guest's.
static error_t read_page(struct hvspace *space, gpa_t gpa, uint8_t *out, size_t len)
{
	const struct hvspace_mapping *m;
	struct backing backing;
	paddr_t paddr;
	size_t size;
	error_t err;

	spin_lock(&space->lock);
	m = find_mapping_locked(space, gpa);
	// Device registers are not in the direct map.
	if (m == NULL || m->folio->device) {
		spin_unlock(&space->lock);
		return ERR_ADDRESS;
	}
	backing = backing_get_locked(space, m, gpa);
	spin_unlock(&space->lock);

	err = folio_populate(backing.folio, backing.offset, &paddr, &size);
	if (err == 0) {
		memcpy(out, (const uint8_t *)page_to_virt(paddr) + (backing.offset & (size - 1)),
		       len);
		spin_lock(&space->lock);
		if (space->generation != backing.generation)
			err = ERR_ADDRESS;
		spin_unlock(&space->lock);
	}
	object_put(&backing.folio->object);
	if (err != 0)
		memset(out, 0, len);
	return err == 0 ? 0 : ERR_ADDRESS;
}

bool hvspace_is_mapped(struct hvspace *space, gpa_t gpa, uint64_t len, uint32_t prot)
{
	bool mapped = true;

	spin_lock(&space->lock);
	while (mapped && len > 0) {
		const struct hvspace_mapping *m = find_mapping_locked(space, gpa);
		uint64_t part = m != NULL ? m->length - (gpa - m->gpa) : 0;

		mapped = m != NULL && !m->folio->device && (m->prot & prot) == prot;
		if (part > len)
			part = len;
		gpa += part;
		len -= part;
	}
	spin_unlock(&space->lock);
	return mapped;
}

error_t hvspace_read(struct hvspace *space, gpa_t gpa, void *out, size_t len)
{
	uint8_t *to = out;

	while (len > 0) {
		size_t part = PAGE_SIZE - (gpa & (PAGE_SIZE - 1));
		error_t err;

		if (part > len)
			part = len;
		err = read_page(space, gpa, to, part);
		if (err != 0)
			return err;
		to += part;
		gpa += part;
		len -= part;
	}
	return 0;
}

// A reference to an object that may be on its way to its destruction, which has to pass the
// caller's lock first.
static bool object_get_unless_gone(struct object *object)
{
	uint32_t refs = __atomic_load_n(&object->refs, __ATOMIC_RELAXED);

	while (refs != 0) {
		if (__atomic_compare_exchange_n(&object->refs, &refs, refs + 1, false,
		                                __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return true;
	}
	return false;
}

struct vcpu *hvspace_get_vcpu(struct hvspace *space, uint32_t id)
{
	struct vcpu *vcpu;

	if (id >= HVSPACE_MAX_VCPUS)
		return NULL;
	spin_lock(&space->lock);
	vcpu = space->vcpus[id];
	if (vcpu != NULL && !object_get_unless_gone(&vcpu->object))
		vcpu = NULL;
	spin_unlock(&space->lock);
	return vcpu;
}

error_t hvspace_add_vcpu(struct hvspace *space, uint32_t id, struct vcpu *vcpu)
{
	error_t err = 0;

	if (id >= HVSPACE_MAX_VCPUS)
		return ERR_RANGE;
	spin_lock(&space->lock);
	if (space->vcpus[id] != NULL)
		err = ERR_EXISTS;
	else
		space->vcpus[id] = vcpu;
	spin_unlock(&space->lock);
	return err;
}

void hvspace_remove_vcpu(struct hvspace *space, uint32_t id)
{
	spin_lock(&space->lock);
	space->vcpus[id] = NULL;
	spin_unlock(&space->lock);
}
