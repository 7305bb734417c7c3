// SPDX-License-Identifier: MIT
#include "apps/containers/export.h"

#include "apps/containers/containers.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/syscall.h"

static struct container *find(struct containers *all, uint32_t number)
{
	list_for_each(entry, &all->exports) {
		struct container *c = container_of(entry, struct container, entry);

		if (c->export_number == number)
			return c;
	}
	return NULL;
}

static void export_over(struct container *c)
{
	visit_forget(c);
	archive_fail_all(c, "it is not wanted any more");
	list_remove(&c->entry);
	container_discard(c);
}

// A container that is none: nobody sees it, and it writes nothing.
static error_t set_up(struct container *c, struct span id)
{
	error_t err = random_get(c->id, sizeof(c->id));

	if (id.len >= sizeof(c->image_id))
		return ERR_PROTOCOL;
	memcpy(c->image_id, id.data, id.len);
	hex_write(c->id, sizeof(c->id), c->id_text);
	c->settings.read_only = true;
	c->settings.image = string_copy(c->image_id);
	if (err == 0 && c->settings.image == NULL)
		err = ERR_NO_MEMORY;
	return err == 0 && container_image(c) == NULL ? ERR_NOT_FOUND : err;
}

void export_run(struct containers *all, const struct msg_images_export *wanted, struct message *m,
                struct span id)
{
	bool is_possible = all->has_hypervisor && !all->stopping && m->num_handles == 1 &&
		find(all, wanted->id) == NULL;
	struct container *c = is_possible ? heap_alloc(sizeof(*c)) : NULL;

	if (c == NULL) {
		message_discard(m);
		return;
	}
	container_init(c, all);
	c->export_number = wanted->id;
	if (set_up(c, id) < 0) {
		container_discard(c);
		message_discard(m);
		return;
	}
	list_push_back(&all->exports, &c->entry);
	// What goes wrong closes the channel, and `images` ends this.
	archive_add(c, IMAGES_SAVE, m->handles[0], false);
}

void export_stop(struct containers *all, uint32_t number)
{
	struct container *c = find(all, number);

	if (c != NULL)
		export_over(c);
}

void exports_forget(struct containers *all)
{
	list_for_each_safe(pos, &all->exports)
		export_over(container_of(pos, struct container, entry));
}
