// SPDX-License-Identifier: MIT
//
// What there is as a whole: GET /info and /system/df, and what POST /containers/prune makes of it.
#include "apps/containers/containers.h"
#include "apps/containers/list_filters.h"
#include "libs/base/string.h"
#include "libs/http/target.h"
#include "libs/starina/alloc.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define SECTOR_SIZE 512u

static void key_number(struct json_writer *w, const char *key, int64_t value)
{
	json_write_raw(w, key);
	json_write_i64(w, value);
}

static void key_string(struct json_writer *w, const char *key, const char *value)
{
	json_write_raw(w, key);
	json_write_string(w, value);
}

static bool is_own_name(const char *name)
{
	return strcmp(name, IMAGE_BUILTIN) == 0 || strcmp(name, IMAGE_SYSTEM) == 0;
}

static bool has_own_name(const struct string_list *names)
{
	for (size_t i = 0; i < names->count; i++)
		if (is_own_name(names->items[i]))
			return true;
	return false;
}

// The machine's own are not shown.
static bool is_shown(const struct image *image)
{
	return strcmp(image->name, IMAGE_BUILTIN) != 0 && strcmp(image->name, IMAGE_SYSTEM) != 0 &&
		!has_own_name(&image->names);
}

static int64_t image_size(const struct image *image)
{
	return (int64_t)(image->num_sectors * SECTOR_SIZE);
}

// --- GET /info -----------------------------------------------------------------------------------

static void write_counts(struct json_writer *w, const struct containers *all)
{
	int64_t running = 0, paused = 0, images = 0;

	list_for_each(entry, &all->containers) {
		const struct container *c = container_of(entry, struct container, entry);

		if (strcmp(show_state(c), "paused") == 0)
			paused++;
		else if (container_is_active(c))
			running++;
	}
	for (size_t i = 0; i < all->images.count; i++)
		images += is_shown(&all->images.images[i]) ? 1 : 0;
	key_number(w, "{\"Containers\":", all->num_containers);
	key_number(w, ",\"ContainersRunning\":", running);
	key_number(w, ",\"ContainersPaused\":", paused);
	key_number(w, ",\"ContainersStopped\":", (int64_t)all->num_containers - running - paused);
	key_number(w, ",\"Images\":", images);
}

void show_info(struct request *request)
{
	struct containers *all = request->all;
	struct json_writer w = { 0 };
	struct system_info info;
	char now[TIME_TEXT_MAX];
	error_t err = system_info(environ_system(all->env), &info);

	assert(err == 0);
	words_time(wall_time(), now);
	write_counts(&w, all);
	key_number(&w, ",\"NCPU\":", info.num_harts);
	key_number(&w, ",\"MemTotal\":", (int64_t)(info.total_pages * PAGE_SIZE));
	key_string(&w, ",\"SystemTime\":", now);
	json_write_raw(
		&w,
		",\"ID\":\"starina\",\"Name\":\"starina\",\"ServerVersion\":\"0.1\",\"Driver\":\"starina\","
		"\"DriverStatus\":[[\"Containers\",\"in a virtual machine each\"]],"
		"\"OperatingSystem\":\"Starina\",\"OSVersion\":\"\",\"OSType\":\"linux\","
		"\"Architecture\":\"riscv64\",\"KernelVersion\":\"starina\","
		"\"Plugins\":{\"Volume\":[\"local\"],\"Network\":[\"bridge\",\"null\"],"
		"\"Authorization\":null,\"Log\":[\"json-file\"]},"
		"\"MemoryLimit\":true,\"SwapLimit\":false,\"CpuCfsPeriod\":true,\"CpuCfsQuota\":true,"
		"\"CPUShares\":false,\"CPUSet\":false,\"PidsLimit\":true,\"OomKillDisable\":false,"
		"\"IPv4Forwarding\":true,\"BridgeNfIptables\":true,\"BridgeNfIp6tables\":true,"
		"\"Debug\":false,\"NFd\":0,\"NGoroutines\":0,\"NEventsListener\":0,"
		"\"LoggingDriver\":\"json-file\",\"CgroupDriver\":\"cgroupfs\",\"CgroupVersion\":\"2\","
		"\"DockerRootDir\":\"/\",\"HttpProxy\":\"\",\"HttpsProxy\":\"\",\"NoProxy\":\"\","
		"\"Labels\":[],\"ExperimentalBuild\":false,\"LiveRestoreEnabled\":true,"
		"\"Isolation\":\"\",\"InitBinary\":\"bootd\",\"DefaultRuntime\":\"vmm\","
		"\"Runtimes\":{\"vmm\":{\"path\":\"vmm\"}},"
		"\"ContainerdCommit\":{\"ID\":\"none\",\"Expected\":\"none\"},"
		"\"RuncCommit\":{\"ID\":\"none\",\"Expected\":\"none\"},"
		"\"InitCommit\":{\"ID\":\"none\",\"Expected\":\"none\"},"
		"\"SecurityOptions\":[\"name=vm\"],\"GenericResources\":null,"
		"\"IndexServerAddress\":\"https://index.docker.io/v1/\","
		"\"RegistryConfig\":{\"InsecureRegistryCIDRs\":[\"127.0.0.0/8\"],\"IndexConfigs\":"
		"{\"docker.io\":{\"Name\":\"docker.io\",\"Mirrors\":[],\"Secure\":true,"
		"\"Official\":true}},\"Mirrors\":[]},"
		"\"Swarm\":{\"NodeID\":\"\",\"NodeAddr\":\"\",\"LocalNodeState\":\"inactive\","
		"\"ControlAvailable\":false,\"Error\":\"\",\"RemoteManagers\":null},"
		"\"Warnings\":null}");
	reply_json(request->client, request->id, 200, &w);
}

// --- GET /system/df ------------------------------------------------------------------------------

static const char *const usage_types[] = { "container", "image", "volume", "build-cache" };

#define TYPE_MAX 32u

// Reads which of the types are asked for (all, if none is named) from the query; false, and the
// request was answered, when one is none.
static bool take_types(struct request *request, bool wanted[static NUM_USAGE_TYPES])
{
	bool any = false, good = true;
	char text[TYPE_MAX];

	for (unsigned k = 0; good; k++) {
		error_t err = http_query_value(request->query, "type", k, text, sizeof(text));

		if (err == ERR_NOT_FOUND)
			break;
		good = false;
		for (size_t i = 0; i < NUM_USAGE_TYPES && err == 0; i++) {
			if (strcmp(text, usage_types[i]) != 0)
				continue;
			wanted[i] = any = good = true;
		}
		if (!good)
			request_refuse(request, 400, "unknown object type: %s",
			               err == 0 ? text : "...");
	}
	for (size_t i = 0; i < NUM_USAGE_TYPES; i++)
		wanted[i] = wanted[i] || !any;
	return good;
}

static int64_t count_users(const struct containers *all, const struct image *image)
{
	int64_t count = 0;

	list_for_each(entry, &all->containers)
		count += container_image(container_of(entry, struct container, entry)) == image;
	return count;
}

// As people call it: without what stands for Docker Hub. Names with digests, or the others.
static void write_name(struct json_writer *w, const char *name, bool digests)
{
	static const char *const hub[] = { "docker.io/library/", "docker.io/" };

	for (size_t i = 0; i < sizeof(hub) / sizeof(hub[0]); i++) {
		if (strncmp(name, hub[i], strlen(hub[i])) == 0) {
			name += strlen(hub[i]);
			break;
		}
	}
	if (name[0] != '\0' && digests == (strchr(name, '@') != NULL))
		json_write_string(w, name);
}

static void write_names(struct json_writer *w, const struct image *image, bool digests)
{
	write_name(w, image->name, digests);
	for (size_t i = 0; i < image->names.count; i++)
		if (strcmp(image->names.items[i], image->name) != 0)
			write_name(w, image->names.items[i], digests);
}

static void write_images(struct json_writer *w, const struct containers *all, int64_t *total)
{
	bool first = true;

	json_write_raw(w, "[");
	for (size_t i = 0; i < all->images.count; i++) {
		const struct image *image = &all->images.images[i];

		if (!is_shown(image))
			continue;
		*total += image_size(image);
		key_string(w, first ? "{\"Id\":" : ",{\"Id\":", image->id);
		json_write_raw(w, ",\"ParentId\":\"\",\"RepoTags\":[");
		write_names(w, image, false);
		json_write_raw(w, "],\"RepoDigests\":[");
		write_names(w, image, true);
		key_number(w, "],\"Created\":", (int64_t)image->created_s);
		json_write_raw(w, ",\"Labels\":");
		json_write_raw(w, image->labels != NULL ? image->labels : "null");
		json_write_raw(w, ",\"SharedSize\":0");
		key_number(w, ",\"Size\":", image_size(image));
		key_number(w, ",\"Containers\":", count_users(all, image));
		json_write_raw(w, "}");
		first = false;
	}
	json_write_raw(w, "]");
}

// What was not asked for is null.
void show_usage_now(struct containers *all, const struct usage_question *question)
{
	struct json_writer w = { 0 };
	// All of which is there once, whichever images have it.
	int64_t total = (int64_t)all->layers_size;
	const bool *wanted = question->wanted;

	json_write_raw(&w, "{\"Images\":");
	if (wanted[USAGE_IMAGE])
		write_images(&w, all, &total);
	else
		json_write_raw(&w, "null");
	key_number(&w, ",\"LayersSize\":", wanted[USAGE_IMAGE] ? total : 0);
	json_write_raw(&w, ",\"Containers\":");
	if (wanted[USAGE_CONTAINER])
		show_summaries(&w, all, question->minor);
	else
		json_write_raw(&w, "null");
	json_write_raw(&w, ",\"Volumes\":");
	if (wanted[USAGE_VOLUME])
		show_volumes_usage(&w, all);
	else
		json_write_raw(&w, "null");
	json_write_raw(&w, ",\"BuildCache\":");
	json_write_raw(&w, wanted[USAGE_BUILD_CACHE] ? "[]" : "null");
	json_write_raw(&w, ",\"BuilderSize\":0}");
	reply_json(question->client, question->request, 200, &w);
}

void show_usage(struct request *request)
{
	struct usage_question question = { .client = request->client,
		                           .request = request->id,
		                           .minor = request->minor };

	if (!take_types(request, question.wanted))
		return;
	if (!question.wanted[USAGE_VOLUME])
		show_usage_now(request->all, &question);
	else if (volume_sizes_ask(request->all, &question) < 0)
		reply_error(request->client, request->id, 500, "out of memory");
}

// --- POST /containers/prune ----------------------------------------------------------------------

static bool is_labelled(const struct filters *filters, const struct container *c)
{
	char *labels = container_labels(c);
	bool is = filters_has_labels(filters, "label", labels) &&
		filters_lacks_labels(filters, "label!", labels);

	heap_free(labels);
	return is;
}

void operation_prune(struct request *request)
{
	static const char *const known[] = { "until", "label", "label!", NULL };
	char error[FILTERS_ERROR_MAX], *text = query_take(request, "filters");
	struct json_writer w = { 0 };
	struct filters filters;
	int64_t reclaimed = 0;
	nsec_t until = 0;
	error_t err = filters_parse(&filters, text, known, error);

	heap_free(text);
	if (err == 0)
		err = filters_until(&filters, wall_time(), &until, error);
	if (err < 0) {
		filters_deinit(&filters);
		reply_error(request->client, request->id, err == ERR_NO_MEMORY ? 500 : 400, "%s",
		            error);
		return;
	}
	layers_measure(request->all);
	json_write_raw(&w, "{\"ContainersDeleted\":[");
	list_for_each_safe(entry, &request->all->containers)
	{
		struct container *c = container_of(entry, struct container, entry);

		if (container_is_active(c) || c->created_at >= until || !is_labelled(&filters, c))
			continue;
		json_write_string(&w, c->id_text);
		reclaimed += (int64_t)c->layer.used;
		container_remove(c);
	}
	filters_deinit(&filters);
	events_prune(request->all, "container", (uint64_t)reclaimed);
	key_number(&w, "],\"SpaceReclaimed\":", reclaimed);
	json_write_raw(&w, "}");
	reply_json(request->client, request->id, 200, &w);
}
