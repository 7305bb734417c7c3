// SPDX-License-Identifier: MIT
#include "apps/containers/settings.h"

#include "apps/containers/health_settings.h"
#include "apps/containers/settings_check.h"
#include "apps/containers/settings_fields.h"
#include "apps/containers/settings_logs.h"
#include "apps/containers/settings_networks.h"
#include "apps/containers/settings_own.h"
#include "apps/containers/settings_policy.h"
#include "libs/base/fmt.h"
#include "libs/starina/alloc.h"

#define MAX_STOP_SECONDS 1000000000ll

#define AT(member) offsetof(struct settings, member)

enum {
	OWN_EXPOSED,
	OWN_PORTS,
	OWN_ULIMITS,
	OWN_DEVICES,
	OWN_BINDS,
	OWN_MOUNTS,
	OWN_TMPFS,
	OWN_VOLUMES,
	OWN_STORAGE,
};

static settings_take_fn *const own_readers[] = {
	[OWN_EXPOSED] = settings_take_exposed, [OWN_PORTS] = settings_take_ports,
	[OWN_ULIMITS] = settings_take_ulimits, [OWN_BINDS] = settings_take_binds,
	[OWN_MOUNTS] = settings_take_mounts,   [OWN_TMPFS] = settings_take_tmpfs,
	[OWN_VOLUMES] = settings_take_volumes, [OWN_STORAGE] = settings_take_storage,
	[OWN_DEVICES] = settings_take_devices,
};

static const struct field restart_fields[] = {
	{ "Name", FIELD_STRING, AT(restart_policy), 0, NULL, NULL },
	{ "MaximumRetryCount", FIELD_NUMBER, AT(restart_max), 0, NULL, NULL },
	{ NULL, FIELD_ANY, 0, 0, NULL, NULL },
};

static const struct field log_fields[] = {
	{ "Type", FIELD_STRING, AT(log_type), 0, NULL, NULL },
	{ "Config", FIELD_LABELS, AT(log_options), 0, NULL, NULL },
	{ NULL, FIELD_ANY, 0, 0, NULL, NULL },
};

static const struct field host_fields[] = {
	{ "AutoRemove", FIELD_BOOL, AT(auto_remove), 0, NULL, NULL },
	{ "Memory", FIELD_NUMBER, AT(memory), 0, NULL, NULL },
	{ "NanoCpus", FIELD_NUMBER, AT(nano_cpus), 0, NULL, NULL },
	{ "NetworkMode", FIELD_STRING, AT(network_mode), 0, NULL, NULL },
	{ "ReadonlyRootfs", FIELD_BOOL, AT(read_only), 0, NULL, NULL },
	{ "RestartPolicy", FIELD_OBJECT, 0, 0, restart_fields, "HostConfig.RestartPolicy." },
	{ "PortBindings", FIELD_OWN, OWN_PORTS, 0, NULL, NULL },
	{ "StorageOpt", FIELD_OWN, OWN_STORAGE, 0, NULL, NULL },
	{ "Binds", FIELD_OWN, OWN_BINDS, 0, NULL, NULL },
	{ "Mounts", FIELD_OWN, OWN_MOUNTS, 0, NULL, NULL },
	{ "Tmpfs", FIELD_OWN, OWN_TMPFS, 0, NULL, NULL },
	{ "ShmSize", FIELD_NUMBER, AT(shm_size), 0, NULL, NULL },
	{ "VolumeDriver", FIELD_STRING, AT(volume_driver), 0, NULL, NULL },
	{ "VolumesFrom", FIELD_STRINGS, AT(volumes_from), 0, NULL, NULL },
	{ "PublishAllPorts", FIELD_BOOL, AT(publish_all), 0, NULL, NULL },
	{ "Ulimits", FIELD_OWN, OWN_ULIMITS, 0, NULL, NULL },
	{ "Devices", FIELD_OWN, OWN_DEVICES, 0, NULL, NULL },
	{ "LogConfig", FIELD_OBJECT, 0, 0, log_fields, "HostConfig.LogConfig." },
	{ NULL, FIELD_ANY, 0, 0, settings_host_rows, NULL },
};

const struct field settings_body_fields[] = {
	{ "Image", FIELD_STRING, AT(image), 0, NULL, NULL },
	{ "Hostname", FIELD_STRING, AT(hostname), 0, NULL, NULL },
	{ "User", FIELD_STRING, AT(user), 0, NULL, NULL },
	{ "WorkingDir", FIELD_STRING, AT(workdir), 0, NULL, NULL },
	{ "StopSignal", FIELD_STRING, AT(stop_signal), 0, NULL, NULL },
	{ "StopTimeout", FIELD_NUMBER, AT(stop_timeout), AT(has_stop_timeout), NULL, NULL },
	{ "Entrypoint", FIELD_STRINGS, AT(entrypoint), AT(has_entrypoint), NULL, NULL },
	{ "Cmd", FIELD_STRINGS, AT(cmd), AT(has_cmd), NULL, NULL },
	{ "Env", FIELD_STRINGS, AT(env), 0, NULL, NULL },
	{ "Tty", FIELD_BOOL, AT(tty), 0, NULL, NULL },
	{ "OpenStdin", FIELD_BOOL, AT(open_stdin), 0, NULL, NULL },
	{ "StdinOnce", FIELD_BOOL, AT(stdin_once), 0, NULL, NULL },
	{ "AttachStdin", FIELD_BOOL, AT(attach_stdin), 0, NULL, NULL },
	{ "AttachStdout", FIELD_BOOL, AT(attach_stdout), 0, NULL, NULL },
	{ "AttachStderr", FIELD_BOOL, AT(attach_stderr), 0, NULL, NULL },
	{ "Labels", FIELD_LABELS, AT(labels), 0, NULL, NULL },
	{ "HostConfig", FIELD_OBJECT, AT(host_config), 0, host_fields, "HostConfig." },
	{ "Volumes", FIELD_OWN, OWN_VOLUMES, 0, NULL, NULL },
	{ "ExposedPorts", FIELD_OWN, OWN_EXPOSED, 0, NULL, NULL },
	{ "Healthcheck", FIELD_RAW, AT(healthcheck), 0, NULL, NULL },
	{ "NetworkingConfig", FIELD_RAW, AT(networking), 0, NULL, NULL },
	{ NULL, FIELD_ANY, 0, 0, settings_config_rows, NULL },
};

struct parse {
	void *target;
	char *error;
	error_t err;
};

static void *member(const struct parse *p, size_t offset)
{
	return (char *)p->target + offset;
}

static void fail(struct parse *p, error_t err)
{
	if (p->err == 0)
		p->err = err;
}

// The text of the next value; empty: it is null.
static struct span take_raw(struct json_reader *r)
{
	if (json_take_null(r))
		return (struct span){ 0 };
	return json_take_raw(r);
}

static char *copy_span(struct span text)
{
	char *copy = heap_alloc(text.len + 1);

	if (copy != NULL && text.len > 0)
		memcpy(copy, text.data, text.len);
	return copy;
}

// `text` is NULL when the reader is bad, or memory is out.
static void replace(struct parse *p, const struct json_reader *r, char **target, char *text)
{
	heap_free(*target);
	*target = text;
	if (text == NULL && json_reader_status(r) == 0)
		fail(p, ERR_NO_MEMORY);
}

// Whether a value is what a client sends for "not set": null, false, 0, -1, empty, or made of such.
static bool is_neutral(struct json_reader *r)
{
	struct span raw, key;
	bool neutral = true;

	if (json_take_null(r))
		return true;
	switch (json_peek(r)) {
	case '\0': return false;
	case '{':
		json_enter_object(r);
		while (json_next_member(r, &key))
			neutral = is_neutral(r) && neutral;
		return neutral;
	case '[':
		json_enter_array(r);
		while (json_next_element(r))
			neutral = is_neutral(r) && neutral;
		return neutral;
	default: break;
	}
	raw = take_raw(r);
	return span_is(raw, "0") || span_is(raw, "-1") || span_is(raw, "\"\"") ||
		span_is(raw, "false");
}

int64_t fields_take_number(struct json_reader *r)
{
	bool negative = json_peek(r) == '-';
	uint64_t value;

	if (negative) {
		r->rest.data++;
		r->rest.len--;
		r->bad = r->bad || r->rest.len == 0 || r->rest.data[0] < '0' ||
			r->rest.data[0] > '9';
	}
	value = json_take_u64(r);
	r->bad = r->bad || value > INT64_MAX;
	return negative ? -(int64_t)value : (int64_t)value;
}

static bool take_bool(struct json_reader *r)
{
	struct span raw = take_raw(r);

	if (span_is(raw, "true"))
		return true;
	if (!span_is(raw, "false"))
		r->bad = true;
	return false;
}

static void take_strings(struct parse *p, struct json_reader *r, struct string_list *list)
{
	error_t err = 0;

	string_list_deinit(list);
	if (json_peek(r) == '"') {
		err = string_list_take(list, json_take_string(r));
	} else {
		json_enter_array(r);
		while (err == 0 && json_next_element(r))
			err = string_list_take(list, json_take_string(r));
	}
	if (err < 0 && json_reader_status(r) == 0)
		fail(p, err);
}

// Anything but strings would make documents that clients refuse as a whole.
static void take_labels(struct parse *p, struct json_reader *r, char **out)
{
	struct json_writer w = { 0 };
	struct span key;

	json_write_raw(&w, "{");
	json_enter_object(r);
	while (json_next_member(r, &key)) {
		// A key stands with its escapes, as it came; null is an empty string to Go.
		char *name = copy_span(key);
		char *value = json_take_null(r) ? string_copy("") : json_take_string(r);

		if (name != NULL && value != NULL) {
			json_write_raw(&w, w.len > 1 ? ",\"" : "\"");
			json_write_raw(&w, name);
			json_write_raw(&w, "\":");
			json_write_string(&w, value);
		} else if (json_reader_status(r) == 0) {
			w.bad = true;
		}
		heap_free(name);
		heap_free(value);
	}
	json_write_raw(&w, "}");
	replace(p, r, out, json_writer_text(&w) != NULL ? string_copy(w.text) : NULL);
	json_writer_deinit(&w);
}

static void take_size(struct json_reader *r, uint16_t size[2])
{
	for (size_t i = 0; i < 2; i++)
		size[i] = 0;
	json_enter_array(r);
	for (size_t i = 0; json_next_element(r); i++) {
		uint64_t value = json_take_u64(r);

		r->bad = r->bad || i == 2 || value > UINT16_MAX;
		if (!r->bad)
			size[i] = (uint16_t)value;
	}
}

static void take_own(struct parse *p, struct json_reader *r, settings_take_fn *take)
{
	error_t err = take(p->target, r, p->error);

	if (err < 0 && json_reader_status(r) == 0)
		fail(p, err);
}

// The choice that a value is, a string; NULL: it is none.
static const struct field *find_choice(struct span raw, const struct field *choices)
{
	if (raw.len < 2 || raw.data[0] != '"')
		return NULL;
	raw = (struct span){ .data = raw.data + 1, .len = raw.len - 2 };
	for (; choices->name != NULL; choices++)
		if (span_is(raw, choices->name))
			return choices;
	return NULL;
}

static void warn(struct parse *p, const struct field *f)
{
	error_t err = string_list_add(member(p, f->offset), f->where);

	if (err < 0)
		fail(p, err);
}

// What is no number is as good as any other that has no effect, and is not kept.
static void keep_number(struct parse *p, struct span raw, const struct field *f)
{
	struct json_reader r = json_reader_make(raw);
	int64_t number = fields_take_number(&r);

	*(int64_t *)member(p, f->present) = json_at_end(&r) ? number : 0;
}

// A value, which is set, of FIELD_CHOICE, FIELD_REFUSED or FIELD_WARNED.
static void take_set(struct parse *p, struct span raw, const struct field *f)
{
	const struct field *choice = NULL;

	if (f->kind == FIELD_WARNED) {
		warn(p, f);
		if (f->present != 0)
			keep_number(p, raw, f);
		return;
	}
	if (f->kind == FIELD_CHOICE)
		choice = find_choice(raw, f->fields);
	if (choice == NULL) {
		str_copy(p->error, f->where, SETTINGS_ERROR_MAX);
		fail(p, ERR_INVALID);
	} else if (choice->kind == FIELD_WARNED) {
		warn(p, choice);
	}
}

// Takes what is not kept; returns whether it was such.
static bool take_unset(struct parse *p, struct json_reader *r, const struct field *f)
{
	struct span before;
	bool is_unset;

	if (f->kind == FIELD_ANY) {
		json_skip(r);
		return true;
	}
	if (f->kind != FIELD_CHOICE && f->kind != FIELD_REFUSED && f->kind != FIELD_WARNED)
		return false;
	// Leaves the white space before it.
	if (json_take_null(r))
		return true;
	before = r->rest;
	is_unset = is_neutral(r);
	before.len -= r->rest.len;
	if (!is_unset && json_reader_status(r) == 0)
		take_set(p, before, f);
	return true;
}

static void take_object(struct parse *p, struct json_reader *r, const struct field *fields,
                        const char *where);

static void take_field(struct parse *p, struct json_reader *r, const struct field *f)
{
	struct span before;

	if (take_unset(p, r, f))
		return;
	if (json_take_null(r))
		return;
	switch (f->kind) {
	case FIELD_STRING: replace(p, r, member(p, f->offset), json_take_string(r)); break;
	case FIELD_STRINGS: take_strings(p, r, member(p, f->offset)); break;
	case FIELD_BOOL: *(bool *)member(p, f->offset) = take_bool(r); break;
	case FIELD_NUMBER: *(int64_t *)member(p, f->offset) = fields_take_number(r); break;
	case FIELD_SIZE: take_size(r, member(p, f->offset)); break;
	case FIELD_LABELS: take_labels(p, r, member(p, f->offset)); break;
	case FIELD_RAW:
		before = json_take_raw(r);
		replace(p, r, member(p, f->offset),
		        json_reader_status(r) == 0 ? copy_span(before) : NULL);
		break;
	case FIELD_OBJECT:
		before = r->rest;
		take_object(p, r, f->fields, f->where);
		before.len -= r->rest.len;
		if (f->offset != 0)
			replace(p, r, member(p, f->offset), copy_span(before));
		break;
	case FIELD_OWN: take_own(p, r, own_readers[f->offset]); break;
	default: break;
	}
	if (f->present != 0)
		*(bool *)member(p, f->present) = true;
	if (json_reader_status(r) < 0 && p->error[0] == '\0')
		fmt_write(p->error, SETTINGS_ERROR_MAX, "%s is not what it is to be", f->name);
}

static const struct field *find_field(const struct field *fields, struct span key)
{
	for (; fields != NULL; fields = fields->fields)
		for (; fields->name != NULL; fields++)
			if (field_is(key, fields->name))
				return fields;
	return NULL;
}

// What is not known here and does mean something is refused: nothing is passed over in silence.
static void take_object(struct parse *p, struct json_reader *r, const struct field *fields,
                        const char *where)
{
	struct span key;

	json_enter_object(r);
	while (p->err == 0 && json_next_member(r, &key)) {
		const struct field *f = find_field(fields, key);

		if (f != NULL) {
			take_field(p, r, f);
		} else if (!is_neutral(r) && json_reader_status(r) == 0) {
			fmt_write(p->error, SETTINGS_ERROR_MAX,
			          "%s%.*s is not supported: leave it out", where,
			          (int)(key.len < 64 ? key.len : 64), (const char *)key.data);
			fail(p, ERR_INVALID);
		}
	}
}

static const char *what_is_wrong(const struct settings *s)
{
	if (s->image == NULL || s->image[0] == '\0')
		return "Image is missing: name the image of the container";
	if (settings_network_wrong(s->network_mode) != NULL)
		return settings_network_wrong(s->network_mode);
	if (s->auto_remove && settings_policy(s->restart_policy) != POLICY_NO)
		return "can't create 'AutoRemove' container with restart policy";
	if (s->shm_size < 0)
		return "SHM size can not be less than 0";
	if (s->has_stop_timeout && s->stop_timeout > MAX_STOP_SECONDS)
		return "StopTimeout is a number of seconds, a negative one without an end";
	return NULL;
}

error_t fields_read(void *target, const struct field *fields, struct span body,
                    char error[static SETTINGS_ERROR_MAX])
{
	struct json_reader r = json_reader_make(body);
	struct parse p = { .target = target, .error = error };

	error[0] = '\0';
	take_object(&p, &r, fields, "");
	if (p.err == 0 && (json_reader_status(&r) < 0 || !json_at_end(&r))) {
		fail(&p, ERR_PROTOCOL);
		if (error[0] == '\0')
			str_copy(error,
			         json_reader_status(&r) < 0
			                 ? "invalid JSON: the body is not a JSON object"
			                 : "unexpected content after JSON",
			         SETTINGS_ERROR_MAX);
	}
	return p.err;
}

error_t settings_parse(struct settings *settings, struct span body,
                       char error[static SETTINGS_ERROR_MAX])
{
	struct log_settings logs;
	struct health_settings health;
	const char *wrong;
	error_t err;

	*settings = (struct settings){ 0 };
	err = fields_read(settings, settings_body_fields, body, error);
	if (err == 0 && settings->host.no_network) {
		heap_free(settings->network_mode);
		settings->network_mode = string_copy("none");
	}
	wrong = err == 0 ? what_is_wrong(settings) : NULL;
	if (wrong != NULL) {
		str_copy(error, wrong, SETTINGS_ERROR_MAX);
		err = ERR_INVALID;
	}
	if (err == 0)
		err = settings_check_policy(settings->restart_policy, settings->restart_max, error);
	if (err == 0)
		err = settings_check_host(settings, error);
	if (err == 0)
		err = health_settings_parse(&health, settings->healthcheck, error);
	if (err == 0)
		health_settings_deinit(&health);
	if (err == 0)
		err = settings_check_limits(settings->memory, settings->nano_cpus, error);
	if (err == 0)
		err = settings_logs(settings, &logs, error);
	if (err == 0 && logs.has_attributes)
		err = string_list_add(&settings->host.warnings,
		                      "HostConfig.LogConfig: env, labels and tag have no effect: "
		                      "lines are kept without attributes");
	if (err < 0)
		settings_deinit(settings);
	return err;
}

error_t settings_parse_new(struct settings *settings, struct span body,
                           char error[static SETTINGS_ERROR_MAX])
{
	error_t err = settings_parse(settings, body, error);

	if (err < 0)
		return err;
	err = settings_check_new(settings, error);
	if (err < 0)
		settings_deinit(settings);
	return err;
}

void settings_deinit(struct settings *s)
{
	heap_free(s->image);
	heap_free(s->hostname);
	heap_free(s->user);
	heap_free(s->workdir);
	heap_free(s->stop_signal);
	heap_free(s->network_mode);
	heap_free(s->networking);
	heap_free(s->restart_policy);
	heap_free(s->healthcheck);
	heap_free(s->labels);
	heap_free(s->host_config);
	host_settings_deinit(&s->host);
	heap_free(s->log_type);
	heap_free(s->log_options);
	port_list_deinit(&s->exposed);
	port_list_deinit(&s->ports);
	mount_list_deinit(&s->mounts);
	string_list_deinit(&s->volumes);
	string_list_deinit(&s->volumes_from);
	heap_free(s->volume_driver);
	string_list_deinit(&s->entrypoint);
	string_list_deinit(&s->cmd);
	string_list_deinit(&s->env);
	*s = (struct settings){ 0 };
}
