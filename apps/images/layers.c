// SPDX-License-Identifier: MIT
//
// Layers of images as they came, mostly compressed, and images' configurations: a file each in the
// folder IMAGES_LAYERS, called by the digits of its digest. A pull reads there what it need not
// fetch, and puts there what it has fetched; of pulls that need the same one fetches. docker save
// gives out what is there (save_kept.c). Whoever reads one computes its digest: what is in such a
// file is no concern of ours.
#include "apps/images/images.h"
#include "apps/images/jobs.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"

// Layers that a job may need.
#define JOB_LAYERS_MAX 1024u
// Layers that are kept.
#define LAYERS_MAX 8192u
// What may lie there that no image needs: of pulls that broke off, and are begun again.
#define SPARE_MAX (1ull << 30)
#define SUFFIX ".layer"

struct layer {
	struct list entry;
	char digest[IMAGE_ID_MAX];
	uint64_t size;
	bool is_needed;  // while that is being looked at
};

static struct layer *find(const struct images *images, const char *digest)
{
	list_for_each(entry, &images->layers) {
		struct layer *layer = container_of(entry, struct layer, entry);

		if (strcmp(layer->digest, digest) == 0)
			return layer;
	}
	return NULL;
}

void layers_file(const char *digest, char out[static LAYERS_FILE_MAX])
{
	fmt_write(out, LAYERS_FILE_MAX, IMAGES_LAYERS "/%s", digest + DIGEST_PREFIX_LENGTH);
}

static error_t add(struct images *images, const char *digest, uint64_t size)
{
	struct layer *layer;

	if (images->num_layers == LAYERS_MAX)
		return ERR_LIMIT;
	layer = heap_alloc(sizeof(*layer));
	if (layer == NULL)
		return ERR_NO_MEMORY;
	images->num_layers++;
	str_copy(layer->digest, digest, sizeof(layer->digest));
	layer->size = size;
	images->layers_size += size;
	list_push_back(&images->layers, &layer->entry);
	return 0;
}

// One that cannot be removed is found again at the next start.
static void drop(struct images *images, struct layer *layer)
{
	char file[LAYERS_FILE_MAX];
	error_t err;

	layers_file(layer->digest, file);
	err = store_drop(images, file);
	if (err < 0 && err != ERR_NOT_FOUND)
		log_warn("%s stays on the state disk: %s", file, error_text(err));
	images->layers_size -= layer->size;
	images->num_layers--;
	list_remove(&layer->entry);
	heap_free(layer);
}

// --- What is needed ------------------------------------------------------------------------------

static void need(void *context, struct span element)
{
	char digest[IMAGE_ID_MAX];
	struct layer *layer;

	// A digest has no escapes.
	if (element.len < 2 || element.len - 2 >= sizeof(digest))
		return;
	memcpy(digest, element.data + 1, element.len - 2);
	digest[element.len - 2] = '\0';
	layer = find(context, digest);
	if (layer != NULL)
		layer->is_needed = true;
}

static void find_needed(struct images *images)
{
	list_for_each(entry, &images->layers)
		container_of(entry, struct layer, entry)->is_needed = false;
	list_for_each(entry, &images->images) {
		const struct image_entry *image = container_of(entry, struct image_entry, entry);
		struct record record;

		if (image->is_stored && image_record(image, &record) == 0)
			record_elements(record.blobs, need, images);
	}
	list_for_each(entry, &images->jobs) {
		const struct job *job = container_of(entry, struct job, entry);

		for (size_t i = 0; i < job->layers.count; i++) {
			struct layer *layer = find(images, job->layers.items[i]);

			if (layer != NULL)
				layer->is_needed = true;
		}
	}
}

bool layers_have(const struct images *images, const char *digest)
{
	return find(images, digest) != NULL;
}

uint64_t layers_drop(struct images *images, uint64_t spare)
{
	uint64_t unneeded = 0, freed = 0;

	find_needed(images);
	list_for_each(entry, &images->layers) {
		const struct layer *layer = container_of(entry, struct layer, entry);

		unneeded += layer->is_needed ? 0 : layer->size;
	}
	list_for_each_safe(pos, &images->layers)
	{
		struct layer *layer = container_of(pos, struct layer, entry);

		// An empty file goes, too, when nothing may stay.
		if (layer->is_needed || (spare > 0 && unneeded - freed <= spare))
			continue;
		freed += layer->size;
		drop(images, layer);
	}
	return freed;
}

// --- Jobs ----------------------------------------------------------------------------------------

static bool needs(const struct job *job, const char *digest)
{
	for (size_t i = 0; i < job->layers.count; i++)
		if (strcmp(job->layers.items[i], digest) == 0)
			return true;
	return false;
}

// Returns whether the layer stays as long as the job needs it.
static bool pin(struct job *job, const char *digest)
{
	return needs(job, digest) ||
		(job->layers.count < JOB_LAYERS_MAX && string_list_add(&job->layers, digest) == 0);
}

static bool is_fetched(const struct images *images, const char *digest)
{
	list_for_each(entry, &images->jobs)
		if (strcmp(container_of(entry, struct job, entry)->fetching, digest) == 0)
			return true;
	return false;
}

static error_t give(struct job *job, const char *digest)
{
	bool is_pinned = pin(job, digest);
	bool is_there = is_pinned && find(job->images, digest) != NULL;

	job->waiting[0] = '\0';
	if (is_pinned && !is_there && is_fetched(job->images, digest)) {
		str_copy(job->waiting, digest, sizeof(job->waiting));
		idle_heard(job);
		return 0;
	}
	if (!is_there)
		str_copy(job->fetching, digest, sizeof(job->fetching));
	return input_answer(job, is_there ? "have" : "fetch");
}

// The job does not fetch its layer any more: it is there, or the next one fetches it.
static void release(struct job *job)
{
	struct images *images = job->images;
	char digest[IMAGE_ID_MAX];

	if (job->fetching[0] == '\0')
		return;
	str_copy(digest, job->fetching, sizeof(digest));
	job->fetching[0] = '\0';
	list_for_each(entry, &images->jobs) {
		struct job *other = container_of(entry, struct job, entry);

		// One that does not read is given up by its clients.
		if (strcmp(other->waiting, digest) == 0 && give(other, digest) < 0)
			log_debug("a job does not take its answer");
	}
}

void layers_wait_no_more(struct job *job)
{
	str_copy(job->fetching, job->waiting, sizeof(job->fetching));
	job->waiting[0] = '\0';
	if (input_answer(job, "fetch") < 0)
		log_debug("a job does not take its answer");
}

// What the job has put into its folder.
static error_t keep(struct job *job, const char *digest)
{
	struct images *images = job->images;
	char from[2 * IMAGES_FILE_MAX], to[2 * IMAGES_FILE_MAX];
	struct file_info info = { 0 };
	error_t err;

	fmt_write(from, sizeof(from), "%s/%s" SUFFIX, job->folder, digest + DIGEST_PREFIX_LENGTH);
	layers_file(digest, to);
	if (images->num_layers == LAYERS_MAX)
		(void)layers_drop(images, 0);
	err = store_move(images, from, to);
	if (err == 0)
		err = store_stat(images, to, &info);
	if (err == 0 && info.type != FILE_TYPE_FILE)
		err = ERR_PROTOCOL;
	if (err == 0)
		err = add(images, digest, info.size);
	if (err < 0 && err != ERR_NOT_FOUND && store_drop(images, to) < 0)
		log_debug("%s is swept at the next start", to);
	return err;
}

// Another job may have kept it meanwhile. The image comes all the same.
static void keep_new(struct job *job, const char *digest)
{
	error_t err = find(job->images, digest) == NULL ? keep(job, digest) : 0;

	if (err < 0)
		log_warn("the layer %s is not kept: %s", digest, error_text(err));
}

error_t layers_take(struct job *job, const struct line *line)
{
	struct images *images = job->images;
	bool is_its_own = strcmp(job->fetching, line->layer) == 0;
	struct layer *layer = find(images, line->layer);

	if ((job->kind != JOB_PULL && line->verb != LAYER_PUT) || job->waiting[0] != '\0')
		return ERR_PROTOCOL;
	switch (line->verb) {
	case LAYER_SEE:
		return input_answer(job, pin(job, line->layer) && layer != NULL ? "have" : "none");
	case LAYER_GET: release(job); return give(job, line->layer);
	case LAYER_KEEP:
		if (!is_its_own)
			return ERR_PROTOCOL;
		keep_new(job, line->layer);
		release(job);
		return 0;
	case LAYER_PUT:
		// It stays until its image has come.
		if (pin(job, line->layer))
			keep_new(job, line->layer);
		return 0;
	case LAYER_DROP:
		if (is_its_own)
			release(job);
		else if (layer != NULL && needs(job, line->layer))
			drop(images, layer);
		return 0;
	case LAYER_NONE: break;
	}
	return ERR_PROTOCOL;
}

void layers_unpin(struct job *job)
{
	string_list_deinit(&job->layers);
	job->layers = (struct string_list){ 0 };
}

void layers_leave(struct job *job)
{
	release(job);
	layers_unpin(job);
	(void)layers_drop(job->images, SPARE_MAX);
}

// --- The start -----------------------------------------------------------------------------------

static void read_one(struct images *images, const char *name)
{
	char file[2 * IMAGES_FILE_MAX], digest[IMAGE_ID_MAX];
	struct file_info info = { 0 };
	bool is_named = fmt_write(digest, sizeof(digest), "sha256:%s", name) < sizeof(digest) &&
		record_is_digest(digest);
	error_t err;

	fmt_write(file, sizeof(file), IMAGES_LAYERS "/%s", name);
	err = store_stat(images, file, &info);
	if (err == 0)
		err = is_named && info.type == FILE_TYPE_FILE ? add(images, digest, info.size)
							      : store_drop(images, file);
	if (err < 0)
		log_warn("the layer %s on the state disk cannot be used: %s", name,
		         error_text(err));
}

void layers_read(struct images *images)
{
	struct string_list names = { 0 };
	error_t err = store_make_folder(images, IMAGES_LAYERS);

	if (err == 0)
		err = store_list(images, IMAGES_LAYERS, &names);
	if (err < 0)
		log_error("layers on the state disk cannot be listed: %s", error_text(err));
	for (size_t i = 0; i < names.count && err == 0; i++)
		read_one(images, names.items[i]);
	string_list_deinit(&names);
	(void)layers_drop(images, SPARE_MAX);
}
