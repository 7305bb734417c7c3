// SPDX-License-Identifier: MIT
// Any bytes as what lies on the state disk of a container's ports, mounts and networks, and of
// volumes: what was read is written, and read again as the same.
#include <stdlib.h>
#include <string.h>

#include "apps/containers/containers.h"

const struct image *container_image(const struct container *c)
{
	(void)c;
	return NULL;
}

static struct json_reader reader(const void *text, size_t len)
{
	return json_reader_make((struct span){ .data = text, .len = len });
}

static void fuzz_mounts(struct json_reader r)
{
	struct mount_list mounts = { 0 }, again = { 0 };
	struct json_writer w = { 0 };

	mounts_read_record(&r, &mounts);
	if (json_reader_status(&r) == 0) {
		mounts_write_record(&w, &mounts);
		r = reader(w.text, w.len);
		mounts_read_record(&r, &again);
		if (!json_at_end(&r) || again.count != mounts.count)
			abort();
	}
	json_writer_deinit(&w);
	mount_list_deinit(&mounts);
	mount_list_deinit(&again);
}

static void fuzz_ports(struct json_reader r)
{
	struct container c = { 0 };
	struct port_list again = { 0 };
	struct json_writer w = { 0 };

	ports_read_record(&r, &c.ports);
	if (json_reader_status(&r) == 0) {
		ports_write_record(&w, &c);
		r = reader(w.text, w.len);
		ports_read_record(&r, &again);
		if (!json_at_end(&r) || again.count != c.ports.count)
			abort();
	}
	json_writer_deinit(&w);
	port_list_deinit(&c.ports);
	port_list_deinit(&again);
}

static void free_volumes(struct list *list)
{
	struct list *entry;

	while ((entry = list_pop_front(list)) != NULL)
		volume_free(container_of(entry, struct volume, entry));
}

static void fuzz_volumes(struct json_reader r)
{
	struct list volumes, again;
	struct json_writer w = { 0 };

	list_init(&volumes);
	list_init(&again);
	volumes_read_text(&r, &volumes);
	if (json_reader_status(&r) == 0) {
		volumes_write_text(&w, &volumes);
		r = reader(w.text, w.len);
		volumes_read_text(&r, &again);
		if (!json_at_end(&r))
			abort();
	}
	json_writer_deinit(&w);
	free_volumes(&volumes);
	free_volumes(&again);
}

static void read_restarts(struct container *c, struct json_reader r)
{
	static char body[] = "{}";

	c->body = body;
	policy_read_record(&r, c);
	c->body = NULL;
	if (json_reader_status(&r) < 0)
		settings_deinit(&c->settings);
}

static void fuzz_restarts(struct json_reader r)
{
	static const char key[] = ",\"Restarts\":";
	struct container c = { 0 }, again = { 0 };
	struct json_writer w = { 0 };

	read_restarts(&c, r);
	policy_write_record(&w, &c);
	read_restarts(&again, reader(w.text + sizeof(key) - 1, w.len - (sizeof(key) - 1)));
	if (c.restart_count != again.restart_count || c.stopped_by_user != again.stopped_by_user ||
	    c.settings.restart_max != again.settings.restart_max ||
	    c.settings.memory != again.settings.memory ||
	    c.settings.nano_cpus != again.settings.nano_cpus ||
	    c.settings.host.cpu_quota != again.settings.host.cpu_quota ||
	    c.settings.host.cpu_period != again.settings.host.cpu_period ||
	    c.settings.host.pids_limit != again.settings.host.pids_limit)
		abort();
	json_writer_deinit(&w);
	settings_deinit(&c.settings);
	settings_deinit(&again.settings);
}

static bool endpoints_are_same(const struct list *a, const struct list *b)
{
	const struct list *at = b->next;

	list_for_each(entry, a) {
		const struct endpoint *x = container_of(entry, struct endpoint, entry);
		const struct endpoint *y = container_of(at, struct endpoint, entry);

		if (at == b || strcmp(x->network, y->network) != 0 || x->slot != y->slot ||
		    memcmp(x->mac, y->mac, sizeof(x->mac)) != 0 ||
		    memcmp(x->wanted, y->wanted, sizeof(x->wanted)) != 0 ||
		    memcmp(x->address, y->address, sizeof(x->address)) != 0 ||
		    x->aliases.count != y->aliases.count || x->links.count != y->links.count)
			return false;
		at = at->next;
	}
	return at == b;
}

static void fuzz_endpoints(struct json_reader r)
{
	static const char key[] = ",\"Endpoints\":";
	struct container c = { 0 }, again = { 0 };
	struct json_writer w = { 0 };

	list_init(&c.endpoints);
	list_init(&again.endpoints);
	endpoints_read_record(&r, &c);
	if (json_reader_status(&r) == 0) {
		endpoints_write_record(&w, &c);
		r = reader(w.text + sizeof(key) - 1, w.len - (sizeof(key) - 1));
		endpoints_read_record(&r, &again);
		if (!json_at_end(&r) || !endpoints_are_same(&c.endpoints, &again.endpoints))
			abort();
	}
	json_writer_deinit(&w);
	endpoints_free(&c);
	endpoints_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	switch (data[0] % 5) {
	case 0: fuzz_mounts(reader(data + 1, size - 1)); break;
	case 1: fuzz_ports(reader(data + 1, size - 1)); break;
	case 2: fuzz_restarts(reader(data + 1, size - 1)); break;
	case 3: fuzz_endpoints(reader(data + 1, size - 1)); break;
	default: fuzz_volumes(reader(data + 1, size - 1)); break;
	}
	return 0;
}
