// SPDX-License-Identifier: MIT
#include "kernel/object/service.h"

#include "kernel/debug/panic.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/object/look.h"
#include "libs/abi/poll.h"
#include "libs/base/string.h"

// The list of all services, in the order of their numbers.
static struct spinlock all_lock = { .rank = LOCK_RANK_SERVICE };
static struct list all_services = { &all_services, &all_services };

static uint32_t service_readiness(struct object *object)
{
	struct service *service = service_from_object(object);
	uint32_t ready;

	spin_lock(&service->lock);
	ready = service->num_pending > 0 ? READY_READABLE : 0;
	spin_unlock(&service->lock);
	return ready;
}

static uint32_t connector_readiness(struct object *object)
{
	struct service *service = service_from_connector(object);
	uint32_t ready;

	spin_lock(&service->lock);
	ready = service->open && service->num_pending < SERVICE_MAX_PENDING ? READY_READABLE : 0;
	spin_unlock(&service->lock);
	return ready;
}

static struct channel_end *pop_locked(struct service *service)
{
	struct channel_end *end;

	if (service->num_pending == 0)
		return NULL;
	end = service->pending[service->first];
	service->first = (service->first + 1) % SERVICE_MAX_PENDING;
	service->num_pending--;
	return end;
}

// The provider is gone: who waits to be accepted sees PEER_CLOSED.
static void provider_gone(struct object *object)
{
	struct service *service = service_from_object(object);
	struct channel_end *ends[SERVICE_MAX_PENDING];
	uint32_t count;

	// All at once: the next provider may be there as soon as the lock is not.
	spin_lock(&service->lock);
	service->open = false;
	service->provider = 0;
	for (count = 0; service->num_pending > 0; count++)
		ends[count] = pop_locked(service);
	spin_unlock(&service->lock);
	for (uint32_t i = 0; i < count; i++)
		object_handle_put(&ends[i]->object);
}

// Of the provider's side; the clients' is gone already.
static void service_destroy(struct object *object)
{
	struct service *service = service_from_object(object);

	kassert(service->account != NULL);
	spin_lock(&all_lock);
	list_remove(&service->all_entry);
	spin_unlock(&all_lock);
	object_forget(object);
	account_uncharge(service->account, sizeof(*service));
	kfree(service);
}

static void connector_destroy(struct object *object)
{
	object_forget(object);
	object_put(&service_from_connector(object)->object);
}

static const struct object_ops service_ops = {
	.type = OBJECT_SERVICE,
	.rights = RIGHT_READ | RIGHT_POLL,
	.readiness = service_readiness,
	.last_handle = provider_gone,
	.destroy = service_destroy,
};

static const struct object_ops connector_ops = {
	.type = OBJECT_CONNECTOR,
	.rights = RIGHT_READ | RIGHT_WRITE | RIGHT_POLL | RIGHT_TRANSFER | RIGHT_DUPLICATE,
	.readiness = connector_readiness,
	.destroy = connector_destroy,
};

static void enlist(struct service *service)
{
	static uint32_t last_id;

	spin_lock(&all_lock);
	service->id = ++last_id;
	list_push_back(&all_services, &service->all_entry);
	spin_unlock(&all_lock);
}

error_t service_create(const char *name, struct account *account, struct service **out)
{
	struct service *service;
	error_t error = account_charge(account, sizeof(*service));

	if (error != 0)
		return error;
	service = kmalloc(sizeof(*service));
	if (service == NULL) {
		account_uncharge(account, sizeof(*service));
		return ERR_NO_MEMORY;
	}
	object_init(&service->object, &service_ops);
	object_init(&service->connector, &connector_ops);
	str_copy(service->name, name, sizeof(service->name));
	spinlock_init(&service->lock, LOCK_RANK_OBJECT);
	service->account = account;
	enlist(service);
	*out = service;
	return 0;
}

error_t service_give_provider(struct service *service, struct handle_table *table, handle_t *out)
{
	error_t error = handle_reserve(table, 1);
	bool had;

	if (error != 0)
		return error;
	spin_lock(&service->lock);
	had = service->open;
	service->open = true;
	spin_unlock(&service->lock);
	if (had) {
		handle_unreserve(table, 1);
		return ERR_BAD_STATE;
	}
	object_handle_get(&service->object);
	*out = handle_insert_reserved(table, &service->object, service_ops.rights);
	object_notify(&service->connector, READY_READABLE);
	return 0;
}

void service_note_provider(struct service *service, uint32_t provider)
{
	spin_lock(&service->lock);
	if (service->open)
		service->provider = provider;
	spin_unlock(&service->lock);
}

void service_open(struct service *service, uint32_t provider)
{
	spin_lock(&service->lock);
	service->open = true;
	service->provider = provider;
	spin_unlock(&service->lock);
	object_notify(&service->connector, READY_READABLE);
}

error_t service_object_connect(struct service *service, struct account *account,
                               struct channel_end **out)
{
	struct channel_end *ends[2];
	bool notify = false;
	error_t error = channel_object_create(account, ends);

	if (error != 0)
		return error;
	ends[0]->service = service->id;
	ends[1]->service = service->id;
	object_handle_get(&ends[1]->object);
	spin_lock(&service->lock);
	if (!service->open) {
		error = ERR_NOT_READY;
	} else if (service->num_pending >= SERVICE_MAX_PENDING) {
		error = ERR_FULL;
	} else {
		service->pending[(service->first + service->num_pending) % SERVICE_MAX_PENDING] =
			ends[1];
		notify = service->num_pending == 0 && service->object.watched;
		service->num_pending++;
	}
	spin_unlock(&service->lock);
	if (notify)
		object_notify(&service->object, READY_READABLE);
	if (error == 0)
		*out = ends[0];
	else
		object_put(&ends[0]->object);
	if (error != 0)
		object_handle_put(&ends[1]->object);
	object_put(&ends[1]->object);
	return error;
}

error_t service_object_accept(struct service *service, struct channel_end **out)
{
	struct channel_end *end;
	bool notify;

	spin_lock(&service->lock);
	notify = service->num_pending == SERVICE_MAX_PENDING && service->connector.watched;
	end = pop_locked(service);
	spin_unlock(&service->lock);
	if (end == NULL)
		return ERR_EMPTY;
	if (notify)
		object_notify(&service->connector, READY_READABLE);
	*out = end;
	return 0;
}

// --- Looking ---

#define SERVICE_BATCH 16u

static size_t describe_some(uint32_t from, struct look_service *records)
{
	size_t count = 0;

	spin_lock(&all_lock);
	list_for_each(pos, &all_services) {
		struct service *service = container_of(pos, struct service, all_entry);
		struct look_service *record = &records[count];

		if (service->id < from)
			continue;
		if (count == SERVICE_BATCH)
			break;
		*record = (struct look_service){ .id = service->id };
		memcpy(record->name, service->name, sizeof(record->name));
		spin_lock(&service->lock);
		record->provider = service->provider;
		record->waiting = service->num_pending;
		spin_unlock(&service->lock);
		count++;
	}
	spin_unlock(&all_lock);
	return count;
}

error_t look_tell_services(uint64_t argument, struct look_out *out)
{
	struct look_service records[SERVICE_BATCH];
	uint32_t from = (uint32_t)argument;
	error_t error = argument > UINT32_MAX ? ERR_RANGE : 0;
	size_t count = SERVICE_BATCH;

	while (error == 0 && count == SERVICE_BATCH) {
		count = describe_some(from, records);
		for (size_t i = 0; i < count && error == 0; i++) {
			error = look_put(out, &records[i], sizeof(records[i]));
			from = records[i].id + 1;
		}
		if (error == 0 && count == SERVICE_BATCH)
			error = look_rest();
	}
	return error;
}
