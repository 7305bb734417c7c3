// SPDX-License-Identifier: MIT
//
// POST /containers/NAME/update. What a container that runs is limited to is its guest's control
// group, so limits of it are changed once the guest has taken them.
#include "apps/containers/containers.h"
#include "apps/containers/settings_policy.h"
#include "apps/containers/settings_update.h"
#include "libs/base/string.h"
#include "libs/linux/vm/image_config.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"

static void finish(struct container *c, struct settings_update *update, struct client *client,
                   uint32_t request)
{
	struct json_writer w = { 0 };
	bool written;

	json_write_raw(&w, "{\"Warnings\":[");
	config_write_strings(&w, &update->warnings);
	json_write_raw(&w, "]}");
	settings_update_apply(&c->settings, update);
	written = policy_waits(c) && !policy_restarts(c) ? container_stays(c) : store_write(c);
	events_container(c, "update", NULL);
	if (client != NULL && !written)
		reply_error(
			client, request, 500,
			"container %s is updated until `containers` or the machine restarts: " STORE_REFUSES,
			c->id_text);
	if (client != NULL && written)
		reply_json(client, request, 200, &w);
	else
		json_writer_deinit(&w);
}

static void limited(void *context, const struct query_answer *answer)
{
	struct settings_update *update = context;
	struct container *c = answer->c;

	c->is_updating = false;
	if (answer->error == 0)
		finish(c, update, answer->client, answer->request);
	else
		reply_error(answer->client, answer->request, 409, "Cannot update container %s: %s",
		            c->id_text, answer->text);
	settings_update_deinit(update);
	heap_free(update);
}

// Tells the guest. The update is consumed, but on errors (the text is for people).
static error_t limit(struct request *request, struct container *c, struct settings_update *update,
                     char error[static SETTINGS_ERROR_MAX])
{
	struct control_limits wanted = settings_update_wanted(&c->settings, update);
	struct settings_update *kept = heap_alloc(sizeof(*kept));
	error_t err;

	if (kept == NULL)
		return ERR_NO_MEMORY;
	*kept = *update;
	err = query_limit(c, &wanted, request->client, request->id, limited, kept);
	if (err < 0) {
		str_copy(error, error_text(err), SETTINGS_ERROR_MAX);
		heap_free(kept);
		return err;
	}
	c->is_updating = true;
	*update = (struct settings_update){ 0 };
	return 0;
}

// The status of a refusal; 0: there is none.
static uint32_t refuse(const struct container *c, const struct settings_update *update,
                       char error[static SETTINGS_ERROR_MAX])
{
	const char *why = NULL;

	if (settings_update_check(&c->settings, update, error) < 0)
		return 400;
	if (c->settings.auto_remove && settings_policy(update->policy) != POLICY_NO)
		why = "Restart policy cannot be updated because AutoRemove is enabled for the "
		      "container";
	else if (c->is_updating)
		why = "another update of the container is on its way: try again";
	else if (settings_update_limits(&c->settings, update) && c->state == CONTAINER_RUNNING &&
	         !c->started)
		why = "the container is being started: try again";
	if (why != NULL)
		str_copy(error, why, SETTINGS_ERROR_MAX);
	return why != NULL ? 409 : 0;
}

#define PIDS_SINCE 40u  // of the API's versions

void operation_update(struct request *request)
{
	struct container *c = operation_find(request);
	char error[SETTINGS_ERROR_MAX] = "out of memory";
	struct settings_update update;
	uint32_t status = 0;
	error_t err;

	if (c == NULL)
		return;
	err = settings_update_parse(&update, request->body, error);
	update.has_pids = update.has_pids && request->minor >= PIDS_SINCE;
	if (err < 0)
		status = err == ERR_NO_MEMORY ? 500 : 400;
	else
		status = refuse(c, &update, error);
	if (status == 0 && c->state == CONTAINER_RUNNING &&
	    settings_update_limits(&c->settings, &update)) {
		if (!operation_can_reach(request, c))
			status = CONTAINERS_ACCEPTED;
		else if (limit(request, c, &update, error) < 0)
			status = 500;
	} else if (status == 0) {
		finish(c, &update, request->client, request->id);
	}
	settings_update_deinit(&update);
	if (status >= 400)
		reply_error(request->client, request->id, status, "%s", error);
}
