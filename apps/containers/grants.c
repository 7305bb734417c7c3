// SPDX-License-Identifier: MIT
#include "apps/containers/grants.h"

#include "apps/containers/containers.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define BOOT_URI "blk:boot"
#define IMAGES_DISK_URI "blk:images"
// Connections of one process at a time: it has two disks, a log and folders.
#define MAX_GRANTS 64u

// A connection: one object is opened over it at a time.
struct grant {
	struct containers *all;
	struct list entry;  // of the app's `grants`
	struct source source;
	char app[APP_NAME_MAX];  // who has connected
	char uri[OPENER_URI_MAX];
	uint32_t id;  // of its request
	bool waits;   // it is not yet known whether it may
	bool opens;   // `opener` was asked
	struct opener opener;
};

// --- What is a container's -----------------------------------------------------------------------

static bool is_uri(const char *uri, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool is_uri(const char *uri, const char *format, ...)
{
	char text[OPENER_URI_MAX];
	va_list args;
	size_t len;

	va_start(args, format);
	len = fmt_vwrite(text, sizeof(text), format, args);
	va_end(args);
	return len < sizeof(text) && strcmp(uri, text) == 0;
}

static bool is_image(const struct container *c, const char *uri)
{
	const struct image *image = container_image(c);

	if (image == NULL)
		return false;
	return image->file[0] == '\0'
		? is_uri(uri, IMAGES_DISK_URI)
		: is_uri(uri, FILES_STORE_DISK_READ_ONLY IMAGES_FOLDER "/%s", image->file);
}

// A volume of the container's. One that it may only read is written to while it is filled.
static bool is_volume(const struct container *c, const char *uri)
{
	for (size_t i = 0; i < c->mounts.count; i++) {
		const struct mount *mount = &c->mounts.items[i];
		bool writes = !mount->read_only || mount->fills;

		if (mount->kind == MOUNT_VOLUME && mount->source != NULL &&
		    is_uri(uri, "%s/%s/", writes ? FILES_VOLUMES : FILES_VOLUMES_READ_ONLY,
		           mount->source))
			return true;
	}
	return false;
}

// What a job of `images` sees of the store.
static bool is_of_job(const struct container *c, const char *uri)
{
	return is_uri(uri, IMAGES_STORE "/%s/", c->job_folder) ||
		(c->job_sees_layers &&
	         is_uri(uri, FILES_STORE_READ_ONLY IMAGES_FOLDER "/" IMAGES_LAYERS "/"));
}

// A container's process may open these.
static bool is_its_own(const struct container *c, const char *uri)
{
	return is_image(c, uri) ||
		((layer_flags(c) & VMM_LAYER) != 0 &&
	         is_uri(uri, FILES_STORE_DISK "layers/%s", c->id_text)) ||
		(!c->is_visit && c->job == 0 && is_uri(uri, VMM_LOG_URI "%s", c->id_text)) ||
		is_volume(c, uri) || (c->job != 0 && is_of_job(c, uri));
}

static struct vmm_process *find_process(struct containers *all, const char *app)
{
	list_for_each(entry, &all->vmms) {
		struct vmm_process *vmm = container_of(entry, struct vmm_process, entry);

		if (vmm->app[0] != '\0' && strcmp(vmm->app, app) == 0)
			return vmm;
	}
	return NULL;
}

// What a guest is made of lies last on the boot disk: a virtual machine's process that a guest has
// taken over must not read the secrets and settings before it.
static void hide_secrets(struct grant *grant)
{
	fmt_write(grant->uri, sizeof(grant->uri), BOOT_URI "@%llu",
	          (unsigned long long)grant->all->guest_sector);
}

// --- Opening -------------------------------------------------------------------------------------

static void grant_free(struct grant *grant)
{
	if (grant->opens)
		opener_stop(&grant->opener);
	loop_close(&grant->all->loop, &grant->source);
	list_remove(&grant->entry);
	heap_free(grant);
}

static void tell_container(const struct grant *grant)
{
	const struct vmm_process *vmm = find_process(grant->all, grant->app);

	if (vmm != NULL && vmm->container != NULL && vmm->order_sent &&
	    is_image(vmm->container, grant->uri))
		container_disks_given(vmm->container);
}

static void opened(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	struct grant *grant = opener->context;

	grant->opens = false;
	if (channel == HANDLE_NONE)
		(void)error_send(grant->source.handle, grant->id, error, text);
	else if (open_reply_send(grant->source.handle, grant->id, channel) < 0)
		handle_close(channel);
	else
		tell_container(grant);
}

static void forward(struct grant *grant)
{
	const char *service = strncmp(grant->uri, "blk:", 4) == 0 ? "blkdev"
		: strncmp(grant->uri, "volumes:", 8) == 0         ? "volumes"
								  : "store";

	grant->waits = false;
	grant->opens = true;
	opener_start(&grant->opener, &grant->all->loop, environ_connector(grant->all->env, service),
	             grant->uri, opened, grant);
}

// One that waits rehearses with the built-in image, and has let it go before its order comes: no
// guest of anybody's has run in it by then.
static bool may_rehearse(const struct vmm_process *vmm, const char *uri)
{
	return !vmm->order_sent && strcmp(uri, IMAGES_DISK_URI) == 0;
}

static void advance(struct grant *grant)
{
	struct containers *all = grant->all;
	const struct vmm_process *vmm = find_process(all, grant->app);
	const struct container *c = vmm != NULL ? vmm->container : NULL;

	// All boot from the same.
	if (strcmp(grant->uri, BOOT_URI) == 0) {
		hide_secrets(grant);
		forward(grant);
		return;
	}
	if (vmm == NULL || !all->serves)
		return;
	if (may_rehearse(vmm, grant->uri) ||
	    (c != NULL && vmm->order_sent && is_its_own(c, grant->uri))) {
		forward(grant);
		return;
	}
	grant->waits = false;
	log_warn("%s asks for %s, which is not its container's", grant->app, grant->uri);
	(void)error_send(grant->source.handle, grant->id, ERR_ACCESS, "it is not the container's");
}

void grants_advance(struct containers *all)
{
	list_for_each_safe(entry, &all->grants)
	{
		struct grant *grant = container_of(entry, struct grant, entry);

		if (grant->waits)
			advance(grant);
	}
}

// --- Connections ---------------------------------------------------------------------------------

static void grant_message(struct loop *loop, struct source *source, struct message *m)
{
	struct grant *grant = source->context;
	struct msg_open open;
	const uint8_t *uri;
	size_t len;

	(void)loop;
	if (message_decode_open(m, &open, &uri, &len) < 0) {
		message_discard(m);
		(void)error_send(source->handle, 0, ERR_PROTOCOL, "this opens, and nothing else");
		return;
	}
	if (grant->waits || grant->opens || len >= sizeof(grant->uri)) {
		(void)error_send(source->handle, open.id,
		                 len >= sizeof(grant->uri) ? ERR_TOO_LARGE : ERR_FULL,
		                 "one object at a time, with a short name");
		return;
	}
	memcpy(grant->uri, uri, len);
	grant->uri[len] = '\0';
	grant->id = open.id;
	grant->waits = true;
	advance(grant);
}

static void grant_closed(struct loop *loop, struct source *source)
{
	(void)loop;
	grant_free(source->context);
}

static const struct source_ops grant_ops = { .message = grant_message, .closed = grant_closed };

static unsigned count_of(struct containers *all, const char *app)
{
	unsigned count = 0;

	list_for_each(entry, &all->grants)
		count += strcmp(container_of(entry, struct grant, entry)->app, app) == 0 ? 1 : 0;
	return count;
}

static void accepted(void *context, handle_t channel)
{
	struct containers *all = context;
	struct grant *grant = heap_alloc(sizeof(*grant));

	if (grant == NULL || channel_maker(channel, grant->app) < 0 || grant->app[0] == '\0' ||
	    count_of(all, grant->app) >= MAX_GRANTS ||
	    loop_add(&all->loop, &grant->source, channel, &grant_ops, grant) < 0) {
		heap_free(grant);
		handle_close(channel);
		return;
	}
	grant->all = all;
	list_push_back(&all->grants, &grant->entry);
}

error_t grants_listen(struct containers *all)
{
	return service_listen(&all->loop, &all->grant_listener, environ_service(all->env, "grants"),
	                      accepted, all);
}
