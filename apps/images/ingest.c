// SPDX-License-Identifier: MIT
//
// From a job's folder into the store. The container that wrote it may be in other hands: what it
// names are files of its folder, and what is read of them is read once. A file is moved first,
// where it cannot be reached any more, and looked at then.
#include "apps/images/images.h"
#include "apps/images/jobs.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"

static error_t say(char error[static OUTPUT_ERROR_MAX], error_t err, const char *what)
{
	fmt_write(error, OUTPUT_ERROR_MAX, "the image cannot be taken: %s (%s)", what,
	          error_text(err));
	return err;
}

bool job_is_of_all(const struct job *job)
{
	return job->name[0] != '\0' &&
		strcmp(job->name + reference_repository(job->name), ALL_TAGS) == 0;
}

static bool is_asked_for(const struct job *job, const char *name)
{
	size_t len = reference_repository(job->name);

	if (!job_is_of_all(job))
		return strcmp(name, job->name) == 0;
	return reference_repository(name) == len && memcmp(name, job->name, len) == 0 &&
		!reference_has_digest(name);
}

// What was asked for, and nothing else; only an archive that is loaded has names of its own. Only a
// registry says what a digest is of: archives have names with tags.
static bool names_fit(const struct job *job, const struct line *line)
{
	if (job->kind == JOB_PULL)
		return line->references.count == 1 && is_asked_for(job, line->references.items[0]);
	if (job->kind != JOB_LOAD &&
	    (job->num_images > 0 || line->references.count != (job->name[0] != '\0' ? 1 : 0) ||
	     (job->name[0] != '\0' && !is_asked_for(job, line->references.items[0]))))
		return false;
	for (size_t i = 0; i < line->references.count; i++)
		if (reference_has_digest(line->references.items[i]))
			return false;
	return !line->is_unchanged;
}

// The name with the digest of an image's manifest that a name with a tag has besides.
static bool digest_name(const char *name, const char *digest, char out[static IMAGE_NAME_MAX])
{
	return digest[0] != '\0' &&
		fmt_write(out, IMAGE_NAME_MAX, "%.*s@%s", (int)reference_repository(name), name,
	                  digest) < IMAGE_NAME_MAX;
}

static error_t refer_all(struct job *job, const struct line *line, const char *id)
{
	struct images *images = job->images;
	error_t err = 0;

	for (size_t i = 0; i < line->references.count && err == 0; i++) {
		const char *name = line->references.items[i];
		const struct reference *old = catalog_reference(images, name);
		char full[IMAGE_NAME_MAX];

		if (old == NULL || strcmp(old->id, id) != 0)
			job->is_changed = true;
		err = catalog_refer(images, name, id);
		if (err == 0 && job->kind == JOB_PULL && digest_name(name, line->digest, full))
			err = catalog_refer(images, full, id);
	}
	return err != 0 ? err : store_write_references(images);
}

// What is there already, by the digest that the registry tells.
static error_t take_unchanged(struct job *job, const struct line *line, char *id)
{
	const struct reference *reference = NULL;
	char full[IMAGE_NAME_MAX];

	if (line->references.count == 1 &&
	    digest_name(line->references.items[0], line->digest, full))
		reference = catalog_reference(job->images, full);
	if (reference == NULL)
		return ERR_NOT_FOUND;
	str_copy(id, reference->id, IMAGE_ID_MAX);
	return 0;
}

static error_t read_record(struct job *job, const char *id, uint8_t **text, size_t *len)
{
	char path[2 * IMAGES_FILE_MAX];
	error_t err = 0;

	fmt_write(path, sizeof(path), "%s/%s.json", job->folder, id + DIGEST_PREFIX_LENGTH);
	for (unsigned tries = 0; store_try(job->images, &tries, &err);)
		err = folder_read(store_folder(job->images), path, RECORD_MAX, text, len);
	return err;
}

static error_t take_files(struct job *job, const char *id)
{
	char path[2 * IMAGES_FILE_MAX];
	uint8_t *text = NULL;
	size_t len = 0;
	error_t err = read_record(job, id, &text, &len);

	fmt_write(path, sizeof(path), "%s/%s.img", job->folder, id + DIGEST_PREFIX_LENGTH);
	if (err == 0)
		err = store_take(job->images, path, id, (struct span){ .data = text, .len = len });
	heap_free(text);
	return err;
}

error_t ingest(struct job *job, const struct line *line, char error[static OUTPUT_ERROR_MAX])
{
	const struct image_entry *there;
	char id[IMAGE_ID_MAX];
	error_t err = 0;

	if (!names_fit(job, line))
		return say(error, ERR_PROTOCOL, "its names are not those that were asked for");
	str_copy(id, line->id, sizeof(id));
	if (line->is_unchanged)
		err = take_unchanged(job, line, id);
	if (err < 0)
		return say(error, err, "it is said to be there already");
	there = catalog_by_id(job->images, id);
	if (there != NULL && there->is_going)
		return say(error, ERR_BAD_STATE, "it is being removed: try again");
	if (!line->is_unchanged && (there == NULL || !there->is_stored))
		err = take_files(job, id);
	if (err == ERR_LIMIT || err == ERR_TOO_LARGE)
		return say(error, err, "there is no room in the list of images: remove some");
	if (err < 0)
		return say(error, err, "its files");
	err = refer_all(job, line, id);
	followers_tell(job->images);
	if (err < 0)
		return say(error, err, "its names");
	if (job->kind == JOB_PULL)
		event_tell(job->images, "pull", reference_familiar(line->references.items[0]),
		           reference_familiar(line->references.items[0]));
	else if (job->kind != JOB_COMMIT)
		event_tell(job->images, job->kind == JOB_LOAD ? "load" : "import", id, id);
	return 0;
}
