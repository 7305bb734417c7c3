// SPDX-License-Identifier: MIT
//
// Containers as JSON, in the forms of Docker's API.
#include "apps/containers/containers.h"
#include "apps/containers/labels.h"
#include "apps/containers/links_text.h"
#include "apps/containers/list_filters.h"
#include "apps/containers/summary.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define SECTOR_SIZE 512u

static void key_string(struct json_writer *w, const char *key, const char *value)
{
	json_write_raw(w, key);
	json_write_string(w, value != NULL ? value : "");
}

static void key_bool(struct json_writer *w, const char *key, bool value)
{
	json_write_raw(w, key);
	json_write_raw(w, value ? "true" : "false");
}

static void key_number(struct json_writer *w, const char *key, int64_t value)
{
	json_write_raw(w, key);
	json_write_i64(w, value);
}

static void key_list(struct json_writer *w, const char *key, const struct string_list *list)
{
	json_write_raw(w, key);
	json_write_raw(w, list != NULL ? "[" : "null");
	for (size_t i = 0; list != NULL && i < list->count; i++)
		json_write_string(w, list->items[i]);
	if (list != NULL)
		json_write_raw(w, "]");
}

static void key_time(struct json_writer *w, const char *key, nsec_t wall)
{
	char text[TIME_TEXT_MAX];

	words_time(wall, text);
	key_string(w, key, text);
}

static const char *image_id(const struct container *c)
{
	const struct image *image = container_image(c);

	return image != NULL ? image->id : c->image_id;
}

const char *show_state(const struct container *c)
{
	static const char *const words[] = { "created", "running", "exited" };

	return policy_is_restarting(c) ? "restarting" : c->paused ? "paused" : words[c->state];
}

static void address_text(const uint8_t a[4], char out[16])
{
	out[0] = '\0';
	if (a[0] != 0)
		fmt_write(out, 16, "%u.%u.%u.%u", a[0], a[1], a[2], a[3]);
}

static void write_path_and_args(struct json_writer *w, const struct container *c)
{
	struct command command = config_command(&c->settings, container_image(c));
	const struct string_list *const lists[2] = { command.entrypoint, command.cmd };
	bool first = true;

	for (size_t i = 0; i < 2; i++) {
		for (size_t k = 0; k < lists[i]->count; k++) {
			if (first) {
				key_string(w, ",\"Path\":", lists[i]->items[k]);
				json_write_raw(w, ",\"Args\":[");
			} else {
				json_write_string(w, lists[i]->items[k]);
			}
			first = false;
		}
	}
	json_write_raw(w, first ? ",\"Path\":\"\",\"Args\":[]" : "]");
}

static void write_state(struct json_writer *w, const struct container *c)
{
	key_string(w, ",\"State\":{\"Status\":", show_state(c));
	key_bool(w, ",\"Running\":", container_is_active(c));
	key_bool(w, ",\"Paused\":", c->paused);
	key_bool(w, ",\"Restarting\":", policy_is_restarting(c));
	key_bool(w, ",\"OOMKilled\":", c->lacked_memory);
	json_write_raw(w, ",\"Dead\":false");
	key_number(w, ",\"Pid\":", c->state == CONTAINER_RUNNING ? 1 : 0);
	key_number(w, ",\"ExitCode\":", c->exit_code);
	key_string(w, ",\"Error\":", c->error);
	key_time(w, ",\"StartedAt\":", c->started_at);
	key_time(w, ",\"FinishedAt\":", c->finished_at);
	health_write(c, w);
	json_write_raw(w, "}");
}

static const char *or_else(const char *text, const char *otherwise)
{
	return text != NULL && text[0] != '\0' ? text : otherwise;
}

const char *container_user(const struct container *c)
{
	const struct image *image = container_image(c);

	return or_else(c->settings.user, or_else(image != NULL ? image->user : NULL, ""));
}

// Whether a list has the variable of an assignment, set or not.
static bool has_variable(const struct string_list *env, const char *assignment)
{
	const char *equals = strchr(assignment, '=');
	size_t len = equals != NULL ? (size_t)(equals - assignment) : strlen(assignment);

	for (size_t i = 0; i < env->count; i++)
		if (strncmp(env->items[i], assignment, len) == 0 &&
		    (env->items[i][len] == '=' || env->items[i][len] == '\0'))
			return true;
	return false;
}

// What was asked for, and then what the image has besides.
static void write_env(struct json_writer *w, const struct container *c, const struct image *image)
{
	const struct string_list *env = &c->settings.env;

	json_write_raw(w, ",\"Env\":[");
	for (size_t i = 0; i < env->count; i++)
		json_write_string(w, env->items[i]);
	for (size_t i = 0; image != NULL && i < image->env.count; i++)
		if (!has_variable(env, image->env.items[i]))
			json_write_string(w, image->env.items[i]);
	json_write_raw(w, "]");
}

char *container_labels(const struct container *c)
{
	const struct image *image = container_image(c);
	struct json_writer w = { 0 };
	char *labels = NULL;

	labels_merge(&w, c->settings.labels, image != NULL ? image->labels : NULL);
	if (json_writer_text(&w) != NULL)
		labels = string_copy(w.text);
	json_writer_deinit(&w);
	return labels;
}

static void write_labels(struct json_writer *w, const struct container *c)
{
	char *labels = container_labels(c);

	if (labels != NULL)
		json_write_raw(w, labels);
	else
		w->bad = true;
	heap_free(labels);
}

static void write_config(struct json_writer *w, const struct container *c)
{
	const struct settings *s = &c->settings;
	const struct image *image = container_image(c);
	struct command command = config_command(s, image);
	char short_id[13];

	fmt_write(short_id, sizeof(short_id), "%s", c->id_text);
	key_string(w, ",\"Config\":{\"Hostname\":",
	           s->hostname != NULL && s->hostname[0] != '\0' ? s->hostname : short_id);
	key_string(w, ",\"Domainname\":", s->host.domainname);
	key_string(w, ",\"User\":", container_user(c));
	key_bool(w, ",\"AttachStdin\":", s->attach_stdin);
	key_bool(w, ",\"AttachStdout\":", s->attach_stdout);
	key_bool(w, ",\"AttachStderr\":", s->attach_stderr);
	key_bool(w, ",\"Tty\":", s->tty);
	key_bool(w, ",\"OpenStdin\":", s->open_stdin);
	key_bool(w, ",\"StdinOnce\":", s->stdin_once);
	write_env(w, c, image);
	key_list(w, ",\"Cmd\":", command.cmd->count > 0 || s->has_cmd ? command.cmd : NULL);
	key_string(w, ",\"Image\":", s->image);
	json_write_raw(w, ",\"Volumes\":");
	show_volumes_config(w, c);
	key_string(w,
	           ",\"WorkingDir\":", or_else(s->workdir, image != NULL ? image->workdir : NULL));
	key_list(w, ",\"Entrypoint\":",
	         config_shows_entrypoint(s, &command) ? command.entrypoint : NULL);
	json_write_raw(w, ",\"ExposedPorts\":");
	show_ports_config(w, c);
	json_write_raw(w, ",\"OnBuild\":null,\"Labels\":");
	write_labels(w, c);
	if (container_stop_word(c) != NULL)
		key_string(w, ",\"StopSignal\":", container_stop_word(c));
	if (s->has_stop_timeout)
		key_number(w, ",\"StopTimeout\":", s->stop_timeout);
	health_write_config(c, w);
	json_write_raw(w, "}");
}

// The API's version since which aliases are only what was asked for.
#define NO_ID_SINCE 45u

// The address at the top is the one of the default network.
static void write_network(struct json_writer *w, const struct container *c, bool aliases_have_id)
{
	char address[16] = "", gateway[16] = "";
	bool has_address = endpoint_is_active(c) && c->address[0] != 0 &&
		endpoints_has(c, "bridge");

	if (has_address) {
		address_text(c->address, address);
		address_text(c->vmm->gateway, gateway);
	}
	json_write_raw(w,
	               ",\"NetworkSettings\":{\"Bridge\":\"\",\"SandboxID\":\"\","
	               "\"SandboxKey\":\"\",\"HairpinMode\":false,\"EndpointID\":\"\","
	               "\"IPv6Gateway\":\"\",\"GlobalIPv6Address\":\"\","
	               "\"GlobalIPv6PrefixLen\":0,\"LinkLocalIPv6Address\":\"\","
	               "\"LinkLocalIPv6PrefixLen\":0,\"SecondaryIPAddresses\":null,"
	               "\"SecondaryIPv6Addresses\":null,\"MacAddress\":");
	show_mac(w, c, has_address);
	json_write_raw(w, ",\"Ports\":");
	show_ports(w, c);
	key_string(w, ",\"IPAddress\":", address);
	key_string(w, ",\"Gateway\":", gateway);
	key_number(w, ",\"IPPrefixLen\":", has_address ? c->vmm->prefix_len : 0);
	json_write_raw(w, ",\"Networks\":");
	show_endpoints(w, c, aliases_have_id);
	json_write_raw(w, "}");
}

// Of a writable layer on the state disk; one in memory nobody counts.
static void write_size(struct json_writer *w, const struct container *c)
{
	const struct image *image = container_image(c);

	key_number(w, ",\"SizeRw\":", (int64_t)c->layer.used);
	key_number(w, ",\"SizeRootFs\":",
	           image != NULL ? (int64_t)(image->num_sectors * SECTOR_SIZE) : 0);
}

void show_inspect(struct request *request)
{
	const struct container *c = operation_find(request);
	struct json_writer w = { 0 };
	char name[CONTAINER_NAME_MAX + 1];

	if (c == NULL)
		return;
	fmt_write(name, sizeof(name), "/%s", c->name);
	key_string(&w, "{\"Id\":", c->id_text);
	key_time(&w, ",\"Created\":", c->created_at);
	write_path_and_args(&w, c);
	write_state(&w, c);
	key_string(&w, ",\"Image\":", image_id(c));
	key_string(&w, ",\"Name\":", name);
	key_number(&w, ",\"RestartCount\":", c->restart_count);
	// There are no files of the host's behind these.
	json_write_raw(&w,
	               ",\"ResolvConfPath\":\"\",\"HostnamePath\":\"\",\"HostsPath\":\"\","
	               "\"LogPath\":\"\",\"MountLabel\":\"\",\"ProcessLabel\":\"\","
	               "\"AppArmorProfile\":\"\",\"GraphDriver\":{\"Data\":null,"
	               "\"Name\":\"starina\"}");
	json_write_raw(&w, ",\"Driver\":\"starina\",\"Platform\":\"linux\",\"Mounts\":");
	show_mounts(&w, c);
	json_write_raw(&w, ",\"ExecIDs\":");
	exec_write_ids(&w, c);
	json_write_raw(&w, ",\"HostConfig\":");
	show_host_config(&w, c);
	write_config(&w, c);
	write_network(&w, c, request->minor < NO_ID_SINCE);
	if (query_flag(request, "size")) {
		layers_measure(request->all);
		write_size(&w, c);
	}
	json_write_raw(&w, "}");
	reply_json(request->client, request->id, 200, &w);
}

// "Up 3 minutes", "Exited (0) 2 seconds ago", "Created"
static void status_text(const struct container *c, nsec_t now, char *out, size_t size)
{
	static const char *const suffixes[] = { [HEALTH_NONE] = "",
		                                [HEALTH_STARTING] = " (health: starting)",
		                                [HEALTH_HEALTHY] = " (healthy)",
		                                [HEALTH_UNHEALTHY] = " (unhealthy)" };
	char duration[TIME_TEXT_MAX];

	if (c->state == CONTAINER_RUNNING && c->started) {
		words_duration(now > c->started_at ? now - c->started_at : 0, duration);
		fmt_write(out, size, "Up %s%s", duration,
		          c->paused ? " (Paused)" : suffixes[c->health.status]);
	} else if (policy_is_restarting(c)) {
		words_duration(now > c->finished_at ? now - c->finished_at : 0, duration);
		fmt_write(out, size, "Restarting (%d) %s ago", c->exit_code, duration);
	} else if (c->state == CONTAINER_EXITED) {
		words_duration(now > c->finished_at ? now - c->finished_at : 0, duration);
		fmt_write(out, size, "Exited (%d) %s ago", c->exit_code, duration);
	} else {
		str_copy(out, "Created", size);
	}
}

// What others call it by their links, as docker has it: "/OTHER/ALIAS".
static void write_aliases(struct json_writer *w, const struct container *c)
{
	char alias[LINK_NAME_MAX], name[2 * LINK_NAME_MAX];

	list_for_each(entry, &c->all->containers) {
		const struct container *other = container_of(entry, struct container, entry);
		const struct string_list *links = links_on_bridge(other);

		for (size_t i = 0; links != NULL && i < links->count; i++) {
			if (link_target(c->all, links->items[i], alias) != c)
				continue;
			fmt_write(name, sizeof(name), "/%s/%s", other->name, alias);
			json_write_string(w, name);
		}
	}
}

// The API's version since which a list has them.
#define ANNOTATIONS_SINCE 46u

struct list_form {
	nsec_t now;
	bool with_size;
	uint32_t minor;  // of the API's version
};

static void write_summary(struct json_writer *w, const struct container *c,
                          const struct list_form *how)
{
	struct command command = config_command(&c->settings, container_image(c));
	char status[2 * TIME_TEXT_MAX], name[CONTAINER_NAME_MAX + 1];

	fmt_write(name, sizeof(name), "/%s", c->name);
	status_text(c, how->now, status, sizeof(status));
	key_string(w, "{\"Id\":", c->id_text);
	json_write_raw(w, ",\"Names\":[");
	json_write_string(w, name);
	write_aliases(w, c);
	key_string(w, "],\"Image\":", summary_image(c));
	key_string(w, ",\"ImageID\":", image_id(c));
	json_write_raw(w, ",\"Command\":");
	summary_command(w, &command);
	key_number(w, ",\"Created\":", (int64_t)(c->created_at / NSEC_PER_SEC));
	json_write_raw(w, ",\"Ports\":");
	show_ports_summary(w, c);
	json_write_raw(w, ",\"Labels\":");
	write_labels(w, c);
	key_string(w, ",\"State\":", show_state(c));
	key_string(w, ",\"Status\":", status);
	key_string(w, ",\"HostConfig\":{\"NetworkMode\":", settings_network(&c->settings));
	if (how->minor >= ANNOTATIONS_SINCE)
		show_annotations(w, c);
	json_write_raw(w, "},\"Mounts\":");
	show_mounts(w, c);
	if (how->with_size)
		write_size(w, c);
	write_network(w, c, false);
	json_write_raw(w, "}");
}

void show_list(struct request *request)
{
	bool whole = query_flag(request, "all"), first = true;
	struct list_form how = { .with_size = query_flag(request, "size"),
		                 .minor = request->minor };
	struct list_filters filters = { 0 };
	struct json_writer w = { 0 };
	int64_t limit = 0;

	if (!list_filters_read(request, &filters))
		return;
	// The newest, whether they run or not.
	if (query_number(request, "limit", &limit) && limit > 0)
		whole = true;
	else
		limit = CONTAINERS_MAX;
	how.now = record_time();
	if (how.with_size)
		layers_measure(request->all);
	json_write_raw(&w, "[");
	list_for_each(entry, &request->all->containers) {
		const struct container *c = container_of(entry, struct container, entry);

		if ((!whole && !filters.has_status && !container_is_active(c)) ||
		    !list_filters_take(&filters, c))
			continue;
		if (limit-- == 0)
			break;
		json_write_raw(&w, first ? "" : ",");
		write_summary(&w, c, &how);
		first = false;
	}
	list_filters_deinit(&filters);
	json_write_raw(&w, "]");
	reply_json(request->client, request->id, 200, &w);
}

// --- The machine ---------------------------------------------------------------------------------

void show_summaries(struct json_writer *w, const struct containers *all, uint32_t minor)
{
	struct list_form how = { .now = record_time(), .with_size = true, .minor = minor };
	bool first = true;

	json_write_raw(w, "[");
	list_for_each(entry, &all->containers) {
		json_write_raw(w, first ? "" : ",");
		write_summary(w, container_of(entry, struct container, entry), &how);
		first = false;
	}
	json_write_raw(w, "]");
}
