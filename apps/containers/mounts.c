// SPDX-License-Identifier: MIT
//
// What a container has mounted: decided when it is created, bound when it starts, and gone with it
// where it has no name.
#include "apps/containers/containers.h"
#include "apps/containers/volumes.h"
#include "libs/base/fmt.h"
#include "libs/base/hex.h"
#include "libs/base/string.h"
#include "libs/linux/vm/vm_files.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define VOLUME_ID_SIZE 32u

// --- Which ---------------------------------------------------------------------------------------

static error_t choose_name(struct mount *mount)
{
	uint8_t id[VOLUME_ID_SIZE];
	char text[HEX_SIZE(VOLUME_ID_SIZE)];
	error_t err = random_get(id, sizeof(id));

	if (err < 0)
		return err;
	hex_write(id, sizeof(id), text);
	mount->source = string_copy(text);
	mount->anonymous = true;
	return mount->source != NULL ? 0 : ERR_NO_MEMORY;
}

// Volumes without a name, where nothing else is.
static error_t add_anonymous(struct container *c, const struct string_list *paths)
{
	error_t err = 0;

	for (size_t i = 0; i < paths->count && err == 0; i++) {
		struct mount mount = { .kind = MOUNT_VOLUME };

		if (mount_list_find(&c->mounts, paths->items[i]) != NULL)
			continue;
		mount.target = string_copy(paths->items[i]);
		err = mount_list_add(&c->mounts, &mount);
	}
	return err;
}

static error_t add_all_of(struct container *c, const struct container *other, bool read_only)
{
	error_t err = 0;

	for (size_t i = 0; i < other->mounts.count && err == 0; i++) {
		struct mount mount = other->mounts.items[i];

		if (mount.kind > MOUNT_VOLUME || mount_list_find(&c->mounts, mount.target) != NULL)
			continue;
		mount.read_only = mount.read_only || read_only;
		mount.anonymous = false;
		mount.number = 0;
		err = mount_list_copy(&c->mounts, &mount);
	}
	return err;
}

// "NAME[:ro]". Returns false, and has answered, when there is no such container.
static bool add_from(struct request *request, struct container *c, const char *text, error_t *err)
{
	char name[CONTAINERS_TARGET_MAX + 1];
	const struct container *from;
	const char *mode = "";
	size_t len = 0, num_begin;

	while (text[len] != '\0' && text[len] != ':' && len < CONTAINERS_TARGET_MAX)
		len++;
	memcpy(name, text, len);
	name[len] = '\0';
	if (text[len] == ':')
		mode = text + len + 1;
	if (mode[0] != '\0' && strcmp(mode, "ro") != 0 && strcmp(mode, "rw") != 0 &&
	    strcmp(mode, "z") != 0 && strcmp(mode, "Z") != 0) {
		reply_error(request->client, request->id, 400, "invalid mode: %s", mode);
		return false;
	}
	from = containers_find(c->all, name, &num_begin);
	if (from == NULL) {
		// Not 404: clients would take that for the image.
		reply_error(request->client, request->id, 400, "No such container: %s", name);
		return false;
	}
	*err = add_all_of(c, from, strcmp(mode, "ro") == 0);
	return true;
}

static error_t add_own(struct container *c)
{
	error_t err = 0;

	for (size_t i = 0; i < c->settings.mounts.count && err == 0; i++)
		err = mount_list_copy(&c->mounts, &c->settings.mounts.items[i]);
	return err;
}

static error_t name_all(struct container *c)
{
	error_t err = 0;

	for (size_t i = 0; i < c->mounts.count && err == 0; i++)
		if (c->mounts.items[i].kind == MOUNT_VOLUME && c->mounts.items[i].source == NULL)
			err = choose_name(&c->mounts.items[i]);
	return err;
}

static bool fits(const struct container *c)
{
	size_t count[MOUNT_MEMORY + 1] = { 0 };

	for (size_t i = 0; i < c->mounts.count; i++)
		count[c->mounts.items[i].kind]++;
	return count[MOUNT_BIND] + count[MOUNT_VOLUME] <= VM_MAX_SHARES;
}

// The API's version since which a volume may be mounted in part: before, that was passed over.
#define SUBPATH_SINCE 45u

static void drop_subpaths(const struct container *c)
{
	for (size_t i = 0; i < c->mounts.count; i++) {
		heap_free(c->mounts.items[i].subpath);
		c->mounts.items[i].subpath = NULL;
	}
}

bool mounts_resolve(struct request *request, struct container *c)
{
	const struct image *image = container_image(c);
	const struct settings *s = &c->settings;
	error_t err = add_own(c);

	if (request->minor < SUBPATH_SINCE)
		drop_subpaths(c);
	for (size_t i = 0; i < s->volumes_from.count && err == 0; i++)
		if (!add_from(request, c, s->volumes_from.items[i], &err))
			return false;
	// Without a state disk these are folders of the container's layer.
	if (err == 0 && c->all->has_store)
		err = add_anonymous(c, &s->volumes);
	if (err == 0 && c->all->has_store && image != NULL)
		err = add_anonymous(c, &image->volumes);
	if (err == 0)
		err = name_all(c);
	if (err == 0 && !fits(c))
		err = ERR_LIMIT;
	if (err == ERR_LIMIT)
		reply_error(request->client, request->id, 400,
		            "a container has at most %u folders of the host and volumes",
		            VM_MAX_SHARES);
	else if (err < 0)
		reply_error(request->client, request->id, 500, "%s", error_text(err));
	return err == 0;
}

// Volumes that would have to be made are made by the driver that was asked for. Not 404, as dockerd
// says it: clients would take that for the image.
static bool has_driver(const struct request *request, const struct container *c)
{
	const char *driver = c->settings.volume_driver;

	if (driver == NULL || driver[0] == '\0' || strcmp(driver, "local") == 0)
		return true;
	for (size_t i = 0; i < c->mounts.count; i++) {
		const struct mount *mount = &c->mounts.items[i];

		if (mount->kind != MOUNT_VOLUME || volumes_find(c->all, mount->source) != NULL)
			continue;
		reply_error(request->client, request->id, 400,
		            "create %s: error looking up volume plugin %s: plugin \"%s\" not found",
		            mount->source, driver, driver);
		return false;
	}
	return true;
}

bool mounts_make(struct request *request, struct container *c)
{
	if (!has_driver(request, c))
		return false;
	for (size_t i = 0; i < c->mounts.count; i++) {
		const struct mount *mount = &c->mounts.items[i];
		error_t err;

		if (mount->kind != MOUNT_VOLUME)
			continue;
		err = volumes_make(c->all, mount->source, mount->labels, mount->driver_options);
		if (err == 0)
			continue;
		reply_error(request->client, request->id, 500, "create %s: %s", mount->source,
		            err == ERR_NOT_FOUND ? "there is no state disk, which volumes lie on"
		                                 : error_text(err));
		mounts_remove(c);
		return false;
	}
	return true;
}

// --- Use -----------------------------------------------------------------------------------------

bool mounts_use(const struct container *c, const char *volume)
{
	for (size_t i = 0; i < c->mounts.count; i++)
		if (c->mounts.items[i].kind == MOUNT_VOLUME &&
		    strcmp(c->mounts.items[i].source, volume) == 0)
			return true;
	return false;
}

static bool is_used_by_others(const struct container *c, const char *volume)
{
	list_for_each(entry, &c->all->containers) {
		const struct container *other = container_of(entry, struct container, entry);

		if (other != c && mounts_use(other, volume))
			return true;
	}
	return false;
}

void mounts_remove(struct container *c)
{
	for (size_t i = 0; i < c->mounts.count; i++) {
		const struct mount *mount = &c->mounts.items[i];
		error_t err;

		if (mount->kind != MOUNT_VOLUME || !mount->anonymous || c->all->lacks_records ||
		    is_used_by_others(c, mount->source))
			continue;
		err = volumes_remove(c->all, mount->source);
		if (err < 0 && err != ERR_NOT_FOUND)
			log_warn("the volume %s stays: %s", mount->source, error_text(err));
	}
}

// --- The start -----------------------------------------------------------------------------------

static void fail(struct container *c, const struct mount *mount, error_t error, struct span text)
{
	static const char of_bind[] = "invalid mount config for type \"bind\": ";
	static const char of_volume[] = "failed to mount local volume: ";
	char message[CONTAINER_ERROR_MAX];
	const char *why = error_text(error);
	size_t len = strlen(why);

	if (text.len > 0) {
		why = (const char *)text.data;
		len = text.len;
	}
	fmt_write(message, sizeof(message), "%s%.*s",
	          mount->is_bound             ? of_volume
	                  : mount->must_exist ? of_bind
	                                      : "",
	          (int)len, why);
	container_fail(c, message);
}

// It fails before the host was asked.
static void fail_unasked(struct container *c, const char *why)
{
	c->provision.asking = false;
	container_fail(c, why);
}

// What a volume is, if not a folder of the state disk. Returns false when the container has failed.
static bool take_backing(struct container *c, struct mount *mount,
                         const struct volume_backing *backing)
{
	const char *read_only = mount->read_only ? ",ro" : "";
	size_t size;

	heap_free(mount->memory);
	mount->memory = NULL;
	mount->is_bound = backing->kind == VOLUME_BIND;
	mount->is_bound_only = mount->is_bound && backing->read_only;
	if (backing->kind != VOLUME_TMPFS)
		return true;
	if (mount->subpath != NULL) {
		fail_unasked(c,
		             "a volume in memory has nothing at the volume-subpath when the "
		             "container starts");
		return false;
	}
	size = strlen(backing->options) + sizeof(",ro");
	mount->memory = heap_alloc(size);
	if (mount->memory == NULL) {
		fail_unasked(c, error_text(ERR_NO_MEMORY));
		return false;
	}
	fmt_write(mount->memory, size, "%s%s", backing->options, read_only);
	return true;
}

// Asks for the folder of the host that a volume is, or sees to what it gets of the image. Returns
// whether the host was asked, or the container has failed.
static bool ask_volume(struct container *c, struct mount *mount)
{
	static const struct volume_backing folder;
	const struct volume *volume = volumes_find(c->all, mount->source);
	// One that is not there any more is what it is without options.
	const struct volume_backing *backing = volume != NULL ? &volume->backing : &folder;

	if (!take_backing(c, mount, backing))
		return true;
	if (backing->kind == VOLUME_BIND) {
		// It is written to while it is filled, and only the guest sees whether it is empty.
		mount->fills = !mount->no_copy && !mount_is_read_only(mount);
		host_bind(&c->all->host, &c->provision.call, text_span(backing->device), false);
		return true;
	}
	// Without the image's content it would stay empty for good: who may write to it is for its
	// server to see to, once it has something.
	mount->fills = mount->memory == NULL && !mount->no_copy &&
		(!mount->read_only || volumes_are_empty(c->all, mount->source));
	return false;
}

bool mounts_ask(struct container *c)
{
	struct provision *p = &c->provision;

	for (; p->next_mount < c->mounts.count; p->next_mount++) {
		struct mount *mount = &c->mounts.items[p->next_mount];

		if (mount->kind == MOUNT_BIND) {
			host_bind(&c->all->host, &p->call, text_span(mount->source),
			          !mount->must_exist);
			return true;
		}
		if (mount->kind == MOUNT_VOLUME && ask_volume(c, mount))
			return true;
	}
	return false;
}

bool mounts_answered(struct container *c, error_t error, uint32_t value, struct span text)
{
	struct mount *mount = &c->mounts.items[c->provision.next_mount];

	if (error < 0) {
		fail(c, mount, error, text);
		return false;
	}
	mount->number = value;
	c->provision.next_mount++;
	return true;
}

void mounts_send(struct container *c)
{
	for (size_t i = 0; i < c->mounts.count; i++) {
		const struct mount *mount = &c->mounts.items[i];
		bool is_bind = mount_is_of_host(mount);
		struct msg_vmm_share share = { .flags = is_bind ? VMM_SHARE_HOST : 0,
			                       .number = mount->number };
		struct message m;
		error_t err;

		if (mount_is_memory(mount))
			continue;
		if (mount_is_read_only(mount) && !mount->fills)
			share.flags |= VMM_SHARE_READ_ONLY;
		err = message_encode_vmm_share(&m, &share, mount->source,
		                               is_bind ? 0 : strlen(mount->source));
		// A name that is too long is no volume's; the guest says that it does not find it.
		if (err < 0)
			err = message_encode_vmm_share(&m, &share, NULL, 0);
		assert(err == 0);
		(void)vmms_send(c->vmm, &m);
	}
}
