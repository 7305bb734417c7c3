// SPDX-License-Identifier: MIT
#include "apps/containers/list_filters.h"

#include "apps/containers/port_list.h"
#include "libs/abi/host.h"
#include "libs/base/decimal.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"

static const char *const known[] = { "ancestor", "before", "exited",  "expose",
	                             "health",   "id",     "is-task", "isolation",
	                             "label",    "name",   "network", "publish",
	                             "since",    "status", "volume",  NULL };
static const char *const states[] = { "created",  "running", "paused", "restarting",
	                              "removing", "exited",  "dead",   NULL };
static const char *const healths[] = { "starting", "healthy", "unhealthy", "none", NULL };

// --- Reading -------------------------------------------------------------------------------------

static bool is_one_of(const char *text, const char *const *choices)
{
	for (; *choices != NULL; choices++)
		if (strcmp(text, *choices) == 0)
			return true;
	return false;
}

static error_t check_words(const struct filters *filters, const char *key,
                           const char *const *choices, char error[static FILTERS_ERROR_MAX])
{
	const char *value;

	for (size_t i = 0; (value = filters_value(filters, key, i)) != NULL; i++) {
		if (is_one_of(value, choices))
			continue;
		fmt_write(error, FILTERS_ERROR_MAX, "Unrecognised filter value for %s: %.64s", key,
		          value);
		return ERR_INVALID;
	}
	return 0;
}

static bool read_status(const char *text, int *out)
{
	bool negative = *text == '-';
	uint64_t value;

	if (!decimal_read(text_span(text + (negative ? 1 : 0)), 999999, &value))
		return false;
	*out = negative ? -(int)value : (int)value;
	return true;
}

// Reads "80", "80-90" or "80/udp" into the range of `port`.
static bool read_ports(const char *text, struct port *port)
{
	const char *slash = strchr(text, '/');
	size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);
	char numbers[16];

	if (len >= sizeof(numbers))
		return false;
	fmt_write(numbers, sizeof(numbers), "%.*s", (int)len, text);
	port->protocol = slash != NULL && strcmp(slash, "/udp") == 0 ? HOST_UDP : HOST_TCP;
	return (slash == NULL || strcmp(slash, "/tcp") == 0 || strcmp(slash, "/udp") == 0) &&
		port_read_host(port, numbers);
}

static error_t check_values(const struct filters *filters, char error[static FILTERS_ERROR_MAX])
{
	static const char *const ports[] = { "publish", "expose" };
	struct port port;
	const char *value;
	int status;
	bool task;

	for (size_t i = 0; (value = filters_value(filters, "exited", i)) != NULL; i++) {
		if (read_status(value, &status))
			continue;
		filters_refuse("exited", value, error);
		return ERR_INVALID;
	}
	for (size_t k = 0; k < sizeof(ports) / sizeof(ports[0]); k++) {
		for (size_t i = 0; (value = filters_value(filters, ports[k], i)) != NULL; i++) {
			if (read_ports(value, &port))
				continue;
			filters_refuse(ports[k], value, error);
			return ERR_INVALID;
		}
	}
	return filters_switch(filters, "is-task", false, &task, error);
}

// The container that a filter names; false, and the request was answered, when there is none.
static bool find(struct request *request, const struct filters *filters, const char *key,
                 const struct container **out)
{
	const char *name = filters_value(filters, key, 0);
	struct request other = *request;

	*out = NULL;
	if (name == NULL)
		return true;
	str_copy(other.target, name, sizeof(other.target));
	*out = operation_find(&other);
	return *out != NULL;
}

bool list_filters_read(struct request *request, struct list_filters *out)
{
	char *text = query_take(request, "filters");
	char error[FILTERS_ERROR_MAX];
	error_t err = filters_parse(&out->filters, text, known, error);

	heap_free(text);
	if (err == 0)
		err = check_words(&out->filters, "status", states, error);
	if (err == 0)
		err = check_words(&out->filters, "health", healths, error);
	if (err == 0)
		err = check_values(&out->filters, error);
	if (err < 0)
		reply_error(request->client, request->id, err == ERR_NO_MEMORY ? 500 : 400, "%s",
		            error);
	out->has_status = filters_value(&out->filters, "status", 0) != NULL;
	if (err == 0 && find(request, &out->filters, "before", &out->before) &&
	    find(request, &out->filters, "since", &out->since))
		return true;
	list_filters_deinit(out);
	return false;
}

void list_filters_deinit(struct list_filters *filters)
{
	filters_deinit(&filters->filters);
}

// --- Asking --------------------------------------------------------------------------------------

static bool has_status(const struct filters *filters, const struct container *c)
{
	const char *value;
	int status;

	for (size_t i = 0; (value = filters_value(filters, "exited", i)) != NULL; i++)
		if (read_status(value, &status) && status == c->exit_code &&
		    c->state == CONTAINER_EXITED && !policy_waits(c) && c->started_at != 0)
			return true;
	return filters_value(filters, "exited", 0) == NULL;
}

// Whether an image is the container's, by its name or its id.
static bool has_image(const struct filters *filters, const struct container *c)
{
	const struct image_index *images = &c->all->images;
	const struct image *own = container_image(c);
	const char *value;

	for (size_t i = 0; (value = filters_value(filters, "ancestor", i)) != NULL; i++) {
		const struct image *wanted = image_index_find(images, value);

		if (strcmp(value, c->settings.image) == 0 ||
		    (own != NULL && wanted != NULL && strcmp(own->id, wanted->id) == 0))
			return true;
	}
	return filters_value(filters, "ancestor", 0) == NULL;
}

static bool has_port(const struct filters *filters, const char *key, const struct port_list *list)
{
	struct port wanted = { 0 };
	const char *value;

	for (size_t i = 0; (value = filters_value(filters, key, i)) != NULL; i++) {
		if (!read_ports(value, &wanted))
			continue;
		for (size_t k = 0; k < list->count; k++)
			if (list->items[k].protocol == wanted.protocol &&
			    list->items[k].number >= wanted.first &&
			    list->items[k].number <= wanted.last)
				return true;
	}
	return filters_value(filters, key, 0) == NULL;
}

static bool has_network(const struct filters *filters, const struct container *c)
{
	if (filters_value(filters, "network", 0) == NULL)
		return true;
	list_for_each(entry, &c->endpoints) {
		const struct endpoint *endpoint = container_of(entry, struct endpoint, entry);
		const struct network *network = endpoint_network(c->all, endpoint);

		if (filters_equal(filters, "network", endpoint->network) ||
		    (network != NULL && filters_equal(filters, "network", network->id_text)))
			return true;
	}
	return false;
}

// By a volume's name, a folder of the host, or where it is in the container.
static bool has_volume(const struct filters *filters, const struct mount_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct mount *mount = &list->items[i];

		if (filters_equal(filters, "volume", mount->target) ||
		    (mount->source != NULL && filters_equal(filters, "volume", mount->source)))
			return true;
	}
	return filters_value(filters, "volume", 0) == NULL;
}

static bool has_labels(const struct filters *filters, const struct container *c)
{
	char *labels = container_labels(c);
	bool has = filters_has_labels(filters, "label", labels);

	heap_free(labels);
	return has;
}

static bool has_name(const struct filters *filters, const struct container *c)
{
	char name[CONTAINER_NAME_MAX + 1];

	fmt_write(name, sizeof(name), "/%s", c->name);
	return filters_match(filters, "name", name) || filters_match(filters, "name", name + 1);
}

bool list_filters_take(const struct list_filters *filters, const struct container *c)
{
	const struct filters *f = &filters->filters;
	char error[FILTERS_ERROR_MAX];
	bool task = false;

	if ((filters->before != NULL && c->created_at >= filters->before->created_at) ||
	    (filters->since != NULL && c->created_at <= filters->since->created_at))
		return false;
	if (filters_switch(f, "is-task", false, &task, error) < 0 || task)
		return false;
	return filters_match(f, "id", c->id_text) && has_name(f, c) && has_labels(f, c) &&
		filters_equal(f, "status", show_state(c)) && has_status(f, c) &&
		filters_equal(f, "health", health_word(c)) &&
		filters_equal(f, "isolation", "default") && has_image(f, c) && has_network(f, c) &&
		has_port(f, "publish", &c->settings.ports) &&
		has_port(f, "expose", &c->settings.exposed) && has_volume(f, &c->mounts);
}
