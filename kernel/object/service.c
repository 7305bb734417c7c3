// SPDX-License-Identifier: MIT
#include "kernel/object/service.h"

#include "kernel/debug/panic.h"
#include "kernel/mm/kmalloc.h"
#include "libs/abi/poll.h"
#include "libs/base/string.h"

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

void service_open(struct service *service)
{
	spin_lock(&service->lock);
	service->open = true;
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
