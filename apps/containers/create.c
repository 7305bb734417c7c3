// SPDX-License-Identifier: MIT
//
// POST /containers/create. Texts are Docker's: people search for them.
#include "apps/containers/containers.h"
#include "apps/containers/settings_networks.h"
#include "libs/base/hex.h"
#include "libs/base/string.h"
#include "libs/linux/image/image_name.h"
#include "libs/linux/image/platform.h"
#include "libs/linux/vm/image_config.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

// A request whose folders of the host are looked at first: those that have to be there.
struct creation {
	struct list entry;  // of the app's `creations`
	struct host_call call;
	struct request request;  // its body is `body`
	uint8_t *body;
	struct settings settings;
	size_t next;  // of the settings' mounts
};

static void fail(const struct request *request, error_t err, const char *text)
{
	reply_error(request->client, request->id, err == ERR_NO_MEMORY ? 500 : 400, "%s",
	            err == ERR_NO_MEMORY ? "out of memory" : text);
}

// --- The container -------------------------------------------------------------------------------

static bool choose_name(struct request *request, struct container *c)
{
	const char *wanted = request->target[0] == '/' ? request->target + 1 : request->target;
	uint64_t random;

	if (wanted[0] != '\0') {
		if (!operation_name_is_free(request, wanted))
			return false;
		str_copy(c->name, wanted, sizeof(c->name));
		return true;
	}
	do {
		if (random_get(&random, sizeof(random)) < 0)
			random = request->id;
		words_name(random, c->name);
	} while (containers_find_name(request->all, c->name) != NULL);
	return true;
}

static bool choose_id(const struct request *request, struct container *c)
{
	error_t err = random_get(c->id, sizeof(c->id));

	hex_write(c->id, sizeof(c->id), c->id_text);
	if (err < 0)
		reply_error(request->client, request->id, 500, "there are no random numbers: %s",
		            error_text(err));
	return err == 0;
}

static bool copy_body(const struct request *request, struct container *c)
{
	c->body = heap_alloc(request->body.len + 1);
	if (c->body == NULL) {
		fail(request, ERR_NO_MEMORY, NULL);
		return false;
	}
	memcpy(c->body, request->body.data, request->body.len);
	return true;
}

static void answer_created(const struct request *request, const struct container *c)
{
	struct json_writer w = { 0 };

	json_write_raw(&w, "{\"Id\":");
	json_write_string(&w, c->id_text);
	json_write_raw(&w, ",\"Warnings\":[");
	config_write_strings(&w, &c->settings.host.warnings);
	json_write_raw(&w, "]}");
	reply_json(request->client, request->id, 201, &w);
}

// What its settings ask for. Returns false, and has answered, when that is not possible.
static bool complete(struct request *request, struct container *c)
{
	struct command command = config_command(&c->settings, container_image(c));
	char error[SETTINGS_ERROR_MAX];
	error_t err;

	if (command.entrypoint->count + command.cmd->count == 0) {
		fail(request, ERR_INVALID, CONFIG_NO_COMMAND);
		return false;
	}
	err = endpoints_make(c, error);
	if (err == 0)
		err = links_check(c, error);
	if (err < 0) {
		fail(request, err, error);
		return false;
	}
	if (!mounts_resolve(request, c))
		return false;
	if (!store_accepts(c)) {
		fail(request, ERR_TOO_LARGE, "the body is too deep or too long");
		return false;
	}
	if (!mounts_make(request, c))
		return false;
	c->created_at = record_time();
	if (store_write(c))
		return true;
	reply_error(request->client, request->id, 500,
	            "the container cannot be written to the state disk (see the log)");
	store_remove(c);
	mounts_remove(c);
	return false;
}

#define PLATFORM_SINCE 41u  // of the API's versions

// Whether an image is for the platform that is asked for; the request was answered otherwise.
static bool check_platform(const struct request *request, const char *name)
{
	char *text = request->minor >= PLATFORM_SINCE ? query_take(request, "platform") : NULL;
	enum platform platform = platform_read(text);

	if (platform == PLATFORM_UNKNOWN)
		reply_error(request->client, request->id, 400,
		            "\"%.64s\": unknown operating system or architecture: invalid argument",
		            text);
	else if (platform == PLATFORM_OTHER)
		reply_error(request->client, request->id, 404,
		            "image with reference %s was found but does not provide the specified "
		            "platform (%.64s)",
		            name, text);
	heap_free(text);
	return platform == PLATFORM_OURS;
}

// Its image; NULL: there is none, or no room for a container, and the request was answered.
static const struct image *find_image(const struct request *request, const struct settings *s)
{
	const struct image *image = image_index_find(&request->all->images, s->image);
	char name[IMAGE_NAME_MAX];

	if (request->all->num_containers >= CONTAINERS_MAX) {
		reply_error(request->client, request->id, 500,
		            "there are too many containers: remove some");
		return NULL;
	}
	if (image == NULL) {
		image_name_familiar(s->image, name);
		reply_error(request->client, request->id, 404, "No such image: %s", name);
	} else if (!check_platform(request, s->image)) {
		image = NULL;
	}
	return image;
}

// Makes it of the settings, which are consumed.
static void create(struct request *request, struct settings *settings)
{
	const struct image *image = find_image(request, settings);
	struct container *c = image != NULL ? heap_alloc(sizeof(*c)) : NULL;

	if (c == NULL) {
		if (image != NULL)
			fail(request, ERR_NO_MEMORY, NULL);
		settings_deinit(settings);
		return;
	}
	container_init(c, request->all);
	c->settings = *settings;
	str_copy(c->image_id, image->id, sizeof(c->image_id));
	if (!choose_name(request, c) || !choose_id(request, c) || !copy_body(request, c) ||
	    !complete(request, c)) {
		container_discard(c);
		return;
	}
	container_add(c);
	events_container(c, "create", NULL);
	answer_created(request, c);
}

// --- Folders of the host that have to be there ---------------------------------------------------

static void creation_free(struct creation *creation)
{
	list_remove(&creation->entry);
	settings_deinit(&creation->settings);
	heap_free(creation->body);
	heap_free(creation);
}

static struct mount *find_needed(struct creation *creation)
{
	struct mount_list *mounts = &creation->settings.mounts;

	for (; creation->next < mounts->count; creation->next++) {
		struct mount *mount = &mounts->items[creation->next];

		if (mount->kind == MOUNT_BIND && mount->must_exist)
			return mount;
	}
	return NULL;
}

static void advance(struct creation *creation)
{
	const struct mount *mount = find_needed(creation);
	struct settings settings;

	if (mount != NULL) {
		host_bind(&creation->request.all->host, &creation->call, text_span(mount->source),
		          false);
		return;
	}
	settings = creation->settings;
	creation->settings = (struct settings){ 0 };
	create(&creation->request, &settings);
	creation_free(creation);
}

static void looked_at(struct host_call *call, error_t error, uint32_t value, struct span text)
{
	struct creation *creation = container_of(call, struct creation, call);
	const struct request *request = &creation->request;

	(void)value;
	creation->next++;
	if (error == 0) {
		advance(creation);
		return;
	}
	reply_error(request->client, request->id, 400,
	            "invalid mount config for type \"bind\": %.*s", (int)text.len,
	            (const char *)text.data);
	creation_free(creation);
}

static bool needs_folders(const struct settings *s)
{
	for (size_t i = 0; i < s->mounts.count; i++)
		if (s->mounts.items[i].kind == MOUNT_BIND && s->mounts.items[i].must_exist)
			return true;
	return false;
}

// Consumes the settings.
static void look_first(const struct request *request, struct settings *settings)
{
	struct creation *creation = heap_alloc(sizeof(*creation));
	uint8_t *body = heap_alloc(request->body.len + 1);

	if (creation == NULL || body == NULL) {
		fail(request, ERR_NO_MEMORY, NULL);
		settings_deinit(settings);
		heap_free(creation);
		heap_free(body);
		return;
	}
	memcpy(body, request->body.data, request->body.len);
	*creation = (struct creation){ .request = *request, .settings = *settings, .body = body };
	creation->request.body.data = body;
	creation->request.query = (struct span){ 0 };
	creation->request.channel = HANDLE_NONE;
	creation->call.done = looked_at;
	list_push_back(&request->all->creations, &creation->entry);
	advance(creation);
}

void creations_drop(struct containers *all, const struct client *client, uint32_t id)
{
	list_for_each_safe(entry, &all->creations)
	{
		struct creation *creation = container_of(entry, struct creation, entry);

		if (creation->request.client != client || (id != 0 && creation->request.id != id))
			continue;
		host_cancel(&all->host, &creation->call);
		creation_free(creation);
	}
}

// The API's version since which a container may be created in several networks.
#define SEVERAL_NETWORKS_SINCE 44u

void operation_create(struct request *request)
{
	char error[SETTINGS_ERROR_MAX];
	struct settings settings;
	error_t err = settings_parse_new(&settings, request->body, error);

	if (err == 0 && request->minor < SEVERAL_NETWORKS_SINCE) {
		err = networking_check_single(settings.networking, error);
		if (err < 0)
			settings_deinit(&settings);
	}
	if (err < 0)
		fail(request, err, error);
	else if (!needs_folders(&settings))
		create(request, &settings);
	else if (find_image(request, &settings) != NULL)
		look_first(request, &settings);
	else
		settings_deinit(&settings);
}
