// SPDX-License-Identifier: MIT
#include "apps/containers/unwritten_fake.h"

#include <stdio.h>
#include <string.h>

#include "libs/files/steady.h"
#include "libs/files/volume.h"
#include "libs/filters/filters.h"

bool is_full, has_folder;
uint32_t status;
char message[512], event[64];
const char *query_name;
struct msg_vmm_networks told;

// --- The system ----------------------------------------------------------------------------------

error_t random_get(void *buf, size_t size)
{
	memset(buf, 0x5a, size);
	return 0;
}

error_t clock_get(enum clock_id id, nsec_t *now)
{
	(void)id;
	*now = 1000;
	return 0;
}

error_t timer_set(handle_t timer, nsec_t deadline)
{
	(void)timer;
	(void)deadline;
	return 0;
}

error_t timer_create(handle_t *out)
{
	*out = 1;
	return 0;
}

error_t loop_add(struct loop *loop, struct source *source, handle_t handle,
                 const struct source_ops *ops, void *context)
{
	(void)loop;
	(void)source;
	(void)handle;
	(void)ops;
	(void)context;
	return 0;
}

handle_t environ_connector(const struct environ *env, const char *name)
{
	(void)env;
	(void)name;
	return 1;
}

// --- The state disk ------------------------------------------------------------------------------

static error_t write_to_disk(void)
{
	return is_full ? ERR_NO_SPACE : 0;
}

bool store_write(const struct container *c)
{
	(void)c;
	return write_to_disk() == 0;
}

error_t store_put(const struct containers *of, const char *name, struct json_writer *w)
{
	(void)of;
	(void)name;
	json_writer_deinit(w);
	return write_to_disk();
}

bool store_accepts(const struct container *c)
{
	(void)c;
	return true;
}

void store_drop(const struct containers *of, const char *name)
{
	(void)of;
	(void)name;
}

error_t store_list(const struct containers *of, size_t name_len, size_t max,
                   struct string_list *out)
{
	(void)of;
	(void)name_len;
	(void)max;
	(void)out;
	return ERR_NOT_FOUND;
}

error_t store_get(const struct containers *of, const char *name, size_t max, uint8_t **text,
                  size_t *len)
{
	(void)of;
	(void)name;
	(void)max;
	(void)text;
	(void)len;
	return ERR_NOT_FOUND;
}

error_t steady_ask(struct steady_folder *steady, handle_t connector, const char *uri,
                   steady_fn *what, void *context)
{
	(void)connector;
	(void)uri;
	return what(steady->folder, context);
}

error_t folder_make_folder(struct folder *folder, const char *path)
{
	(void)folder;
	assert_string_equal(path, VOLUME);
	assert_false(has_folder);
	has_folder = true;
	return 0;
}

error_t folder_list(struct folder *folder, const char *path, files_entry_fn see, void *context)
{
	struct file_entry entry = { .type = FILE_TYPE_FOLDER, .name = VOLUME };

	(void)folder;
	(void)path;
	if (has_folder)
		see(context, &entry);
	return 0;
}

error_t folder_sync(struct folder *folder)
{
	(void)folder;
	return 0;
}

error_t folder_space(struct folder *folder, struct file_space *out)
{
	(void)folder;
	(void)out;
	return 0;
}

bool volume_is_empty(struct folder *volumes, const char *name)
{
	(void)volumes;
	(void)name;
	return true;
}

error_t volume_remove_some(struct folder *volumes, const char *name, unsigned steps, bool *whole)
{
	(void)volumes;
	(void)name;
	(void)steps;
	has_folder = false;
	*whole = true;
	return 0;
}

// --- The rest of the app -------------------------------------------------------------------------

void reply_empty(struct client *client, uint32_t id, uint32_t with, uint32_t flags)
{
	(void)client;
	(void)id;
	(void)flags;
	status = with;
}

void reply_json(struct client *client, uint32_t id, uint32_t with, struct json_writer *w)
{
	reply_empty(client, id, with, 0);
	json_writer_deinit(w);
}

void request_refuse(const struct request *request, uint32_t with, const char *format, ...)
{
	va_list args;

	(void)request;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	status = with;
}

void reply_error(struct client *client, uint32_t id, uint32_t with, const char *format, ...)
{
	(void)client;
	(void)id;
	(void)format;
	status = with;
}

char *query_take(const struct request *request, const char *name)
{
	(void)request;
	return strcmp(name, "name") == 0 ? strdup(query_name) : NULL;
}

void events_tell(struct containers *of, const char *type, const char *action, const char *id,
                 const char *attributes)
{
	(void)of;
	(void)id;
	(void)attributes;
	snprintf(event, sizeof(event), "%s %s", type, action);
}

void events_prune(struct containers *of, const char *type, uint64_t reclaimed)
{
	(void)of;
	(void)reclaimed;
	snprintf(event, sizeof(event), "%s prune", type);
}

void events_container(const struct container *c, const char *action, const char *more)
{
	(void)c;
	(void)more;
	snprintf(event, sizeof(event), "container %s", action);
}

void names_changed(struct containers *of)
{
	(void)of;
}

bool vmms_send(struct vmm_process *to, struct message *m)
{
	struct msg_vmm_networks networks;
	const uint8_t *tail;
	size_t tail_len;

	(void)to;
	assert_int_equal(message_decode_vmm_networks(m, &networks, &tail, &tail_len), 0);
	told = networks;
	return true;
}

const struct image *container_image(const struct container *c)
{
	(void)c;
	return NULL;
}

error_t ports_exposed(const struct container *c, struct port_list *out)
{
	(void)c;
	*out = (struct port_list){ 0 };
	return 0;
}

error_t filters_parse(struct filters *out, const char *text, const char *const *known,
                      char error[static FILTERS_ERROR_MAX])
{
	(void)out;
	(void)text;
	(void)known;
	(void)error;
	return ERR_INVALID;
}

error_t filters_until(const struct filters *filters, nsec_t now, nsec_t *out,
                      char error[static FILTERS_ERROR_MAX])
{
	(void)filters;
	(void)now;
	(void)out;
	(void)error;
	return 0;
}

bool filters_has_labels(const struct filters *filters, const char *key, const char *labels)
{
	(void)filters;
	(void)key;
	(void)labels;
	return false;
}

bool filters_lacks_labels(const struct filters *filters, const char *key, const char *labels)
{
	(void)filters;
	(void)key;
	(void)labels;
	return false;
}

void filters_deinit(struct filters *filters)
{
	(void)filters;
}
