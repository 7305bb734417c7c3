// SPDX-License-Identifier: MIT
//
// The service "containers": which request is what.
#include "apps/containers/containers.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"

#define STATUS_NOT_FOUND 404

static void dispatch(struct request *request, uint32_t operation)
{
	switch (operation) {
	case CONTAINERS_CREATE: operation_create(request); break;
	case CONTAINERS_START: operation_start(request); break;
	case CONTAINERS_STOP: operation_stop(request, false); break;
	case CONTAINERS_RESTART: operation_stop(request, true); break;
	case CONTAINERS_KILL: operation_kill(request); break;
	case CONTAINERS_WAIT: operation_wait(request); break;
	case CONTAINERS_REMOVE: operation_remove(request); break;
	case CONTAINERS_RENAME: operation_rename(request); break;
	case CONTAINERS_LIST: show_list(request); break;
	case CONTAINERS_INSPECT: show_inspect(request); break;
	case CONTAINERS_ATTACH: operation_attach(request); break;
	case CONTAINERS_RESIZE: operation_resize(request); break;
	case CONTAINERS_INFO: show_info(request); break;
	case CONTAINERS_VOLUMES: volume_list(request); break;
	case CONTAINERS_VOLUME_INSPECT: volume_inspect(request); break;
	case CONTAINERS_VOLUME_CREATE: volume_create(request); break;
	case CONTAINERS_VOLUME_REMOVE: volume_delete(request); break;
	case CONTAINERS_VOLUMES_PRUNE: volume_prune(request); break;
	case CONTAINERS_EVENTS: operation_events(request); break;
	case CONTAINERS_LOGS: operation_logs(request); break;
	case CONTAINERS_EXEC_CREATE: operation_exec_create(request); break;
	case CONTAINERS_EXEC_START: operation_exec_start(request); break;
	case CONTAINERS_EXEC_RESIZE: operation_exec_resize(request); break;
	case CONTAINERS_EXEC_INSPECT: operation_exec_inspect(request); break;
	case CONTAINERS_TOP: operation_top(request); break;
	case CONTAINERS_STATS: operation_stats(request); break;
	case CONTAINERS_PAUSE: operation_pause(request); break;
	case CONTAINERS_UNPAUSE: operation_unpause(request); break;
	case CONTAINERS_CHANGES:
	case CONTAINERS_EXPORT:
	case CONTAINERS_ARCHIVE_STAT:
	case CONTAINERS_ARCHIVE_GET:
	case CONTAINERS_ARCHIVE_PUT: operation_archive(request, operation); break;
	case CONTAINERS_COMMIT: operation_commit(request); break;
	case CONTAINERS_UPDATE: operation_update(request); break;
	case CONTAINERS_NETWORKS: show_networks(request); break;
	case CONTAINERS_NETWORK_INSPECT: show_network(request); break;
	case CONTAINERS_NETWORK_CREATE: operation_network_create(request); break;
	case CONTAINERS_NETWORK_REMOVE: operation_network_remove(request); break;
	case CONTAINERS_NETWORK_CONNECT: operation_network_connect(request); break;
	case CONTAINERS_NETWORK_DISCONNECT: operation_network_disconnect(request); break;
	case CONTAINERS_NETWORKS_PRUNE: operation_networks_prune(request); break;
	case CONTAINERS_PRUNE: operation_prune(request); break;
	case CONTAINERS_USAGE: show_usage(request); break;
	default:
		reply_error(request->client, request->id, STATUS_NOT_FOUND, "page not found");
		break;
	}
}

static void cancelled(void *context, const struct client *client, uint32_t id)
{
	waiters_drop(context, client, id);
}

// What clients ask before it is known which images there are waits in the service.
void images_known(struct containers *all)
{
	error_t err;

	if (all->serves)
		return;
	all->serves = true;
	all->server.handle = dispatch;
	all->server.cancel = cancelled;
	all->server.context = all;
	err = request_server_start(&all->server, &all->loop,
	                           environ_service(all->env, "containers"));
	assert(err == 0);
	grants_advance(all);
	health_resume(all);
	policy_resume(all);
}
