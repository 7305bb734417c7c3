// SPDX-License-Identifier: MIT
//
// Which images there are, and what they are called. It may be killed at any time: what lies in the
// store is whole, and what was being unpacked is swept away at the next start.
#include "apps/images/images.h"
#include "apps/images/jobs.h"
#include "apps/images/save.h"
#include "libs/abi/app.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define STATUS_NOT_FOUND 404
#define STATUS_NOT_IMPLEMENTED 501

static struct images images_state;

static void dispatch(struct request *request, uint32_t operation)
{
	switch (operation) {
	case IMAGES_SHOW_ALL: show_all(request); break;
	case IMAGES_INSPECT: show_one(request); break;
	case IMAGES_HISTORY: show_history(request); break;
	case IMAGES_TAG: operation_tag(request); break;
	case IMAGES_REMOVE: operation_remove(request); break;
	case IMAGES_PRUNE: operation_prune(request); break;
	case IMAGES_CREATE: operation_create(request); break;
	case IMAGES_LOAD: operation_load(request); break;
	case IMAGES_SAVE: operation_save(request, false); break;
	case IMAGES_SAVE_ALL: operation_save(request, true); break;
	case IMAGES_COMMIT: operation_commit(request); break;
	case IMAGES_LOGIN: operation_login(request); break;
	case IMAGES_DISTRIBUTION:
		request_refuse(request, STATUS_NOT_IMPLEMENTED,
		               "what a registry has is not looked at but by a pull");
		break;
	default: request_refuse(request, STATUS_NOT_FOUND, "page not found"); break;
	}
}

static void cancelled(void *context, const struct client *client, uint32_t id)
{
	struct images *images = context;

	removals_drop(images, client, id);
	logins_drop(images, client, id);
	if (id != 0)
		return;
	jobs_drop(images, client);
	saves_drop(images, client);
	followers_left(images, client);
}

void images_begin(struct images *images)
{
	error_t err;

	if (images->serves)
		return;
	images->serves = true;
	store_read(images);
	images->server.handle = dispatch;
	images->server.cancel = cancelled;
	images->server.other = followers_take;
	images->server.context = images;
	err = request_server_start(&images->server, &images->loop,
	                           environ_service(images->env, "images"));
	assert(err == 0);
}

static void images_main(const struct environ *env)
{
	struct images *images = &images_state;
	error_t err = loop_init(&images->loop);

	assert(err == 0);
	images->env = env;
	list_init(&images->images);
	list_init(&images->references);
	list_init(&images->removals);
	list_init(&images->jobs);
	list_init(&images->saves);
	list_init(&images->layers);
	sweep_init(images);
	idle_init(images);
	boot_start(images);
	loop_run(&images->loop);
}

APP(images, .main = images_main, .restart = RESTART_ON_FAULT, .memory_limit = 32ul * 1024 * 1024,
    .handle_limit = 4096,
    .needs = {
	    { .kind = NEED_SERVICE, .name = "blkdev", .optional = 1 },
	    { .kind = NEED_SERVICE, .name = "store", .optional = 1 },
    },
    .provides = { "images" });
