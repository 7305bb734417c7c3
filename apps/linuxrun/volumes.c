// SPDX-License-Identifier: MIT
#include "apps/linuxrun/volumes.h"

#include "apps/linuxrun/linuxrun.h"
#include "libs/json/json.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"

char *annotation_read(struct span config, const char *key)
{
	struct json_reader r = json_reader_make(config);
	char *value = NULL;
	struct span name;

	json_enter_object(&r);
	while (json_next_member(&r, &name)) {
		if (value == NULL && span_is(name, "annotations"))
			value = json_take_member(&r, key);
		else
			json_skip(&r);
	}
	if (json_reader_status(&r) == 0)
		return value;
	heap_free(value);
	return NULL;
}

error_t volumes_open(struct linuxrun *run, struct folder **out)
{
	handle_t connector = environ_connector(run->env, "volumes");

	if (connector == HANDLE_NONE)
		return ERR_NOT_FOUND;
	return folder_open(connector, FILES_VOLUMES, out);
}

bool volumes_have_nothing_in(struct linuxrun *run, const char *name)
{
	struct folder *volumes;
	bool empty;

	// What is wrong is told to the guest, which asks for the same.
	if (volumes_open(run, &volumes) < 0)
		return true;
	empty = volume_is_empty(volumes, name);
	folder_close(volumes);
	return empty;
}

void volumes_remove(struct linuxrun *run, const char *names)
{
	char name[FILES_NAME_MAX + 1];
	struct folder *volumes;
	error_t err = volumes_open(run, &volumes);

	if (err < 0) {
		log_warn("the container's volumes cannot be removed: %s", error_text(err));
		return;
	}
	while (volumes_next_word(&names, name, sizeof(name))) {
		err = volume_remove(volumes, name);
		if (err < 0 && err != ERR_NOT_FOUND)
			log_warn("the volume %s cannot be removed: %s", name, error_text(err));
	}
	// The machine may end after this.
	err = folder_finish(volumes);
	if (err < 0)
		log_warn("the volumes cannot be synced: %s", error_text(err));
	folder_close(volumes);
}
