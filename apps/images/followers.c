// SPDX-License-Identifier: MIT
//
// `containers`, which follows: it is told which images there are, and asked which containers have
// one. What it has made of an image before it was told of its end counts, for both go the same way.
#include "apps/images/images.h"
#include "apps/images/jobs.h"
#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

static void write_names(struct json_writer *w, const struct images *images,
                        const struct image_entry *image)
{
	json_write_raw(w, ",\"names\":[");
	list_for_each(entry, &images->references) {
		const struct reference *reference = container_of(entry, struct reference, entry);

		if (reference_counts(images, reference, image))
			json_write_string(w, reference->name);
	}
	json_write_raw(w, "]");
}

static void write_raw(struct json_writer *w, const char *key, struct span value)
{
	json_write_raw(w, key);
	json_write_span(w, value);
}

static void write_image(struct json_writer *w, const struct images *images,
                        const struct image_entry *image, const struct record *record)
{
	char file[IMAGES_FILE_MAX];

	json_write_raw(w, "{\"id\":");
	json_write_string(w, image->id);
	write_names(w, images, image);
	json_write_raw(w, ",\"first_sector\":");
	json_write_i64(w, (int64_t)image->first_sector);
	json_write_raw(w, ",\"num_sectors\":");
	json_write_i64(w, (int64_t)image->num_sectors);
	if (!image->of_host) {
		store_image_file(image->id, file);
		json_write_raw(w, ",\"file\":");
		json_write_string(w, file);
	}
	if (record->config.len > 0)
		write_raw(w, ",\"config\":", record->config);
	json_write_raw(w, "}");
}

// What commands of libs/linux run in is no image for containers.
static bool is_builtin(const struct images *images, const struct image_entry *image)
{
	const struct reference *reference = catalog_reference(images, IMAGE_BUILTIN);

	return reference != NULL && reference_counts(images, reference, image);
}

static void write_list(struct json_writer *w, const struct images *images)
{
	bool first = true;

	json_write_raw(w, "{\"images\":[");
	list_for_each(entry, &images->images) {
		const struct image_entry *image = container_of(entry, struct image_entry, entry);
		struct record record;

		if (image->is_going || is_builtin(images, image) ||
		    image_record(image, &record) < 0)
			continue;
		json_write_raw(w, first ? "" : ",");
		write_image(w, images, image, &record);
		first = false;
	}
	json_write_raw(w, "]}\n");
}

void followers_send(struct images *images, struct message *m)
{
	error_t err = images->follower != NULL ? channel_send(images->follower->source.handle, m)
					       : ERR_PEER_CLOSED;

	if (err < 0) {
		message_discard(m);
		log_warn("`containers` is not told of images: %s", error_text(err));
	}
}

void followers_tell(struct images *images)
{
	struct msg_images_list list = { 0 };
	struct json_writer w = { 0 };
	const char *text;
	struct message m;
	error_t err;

	if (images->follower == NULL)
		return;
	write_list(&w, images);
	text = json_writer_text(&w);
	list.length = (uint32_t)w.len;
	err = message_encode_images_list(&m, &list, NULL, 0);
	assert(err == 0);
	err = text != NULL ? payload_copy(text, w.len, &m.handles[0]) : ERR_NO_MEMORY;
	m.num_handles = err == 0 ? 1 : 0;
	json_writer_deinit(&w);
	if (err == 0)
		followers_send(images, &m);
	else
		log_error("`containers` is not told of images: %s", error_text(err));
}

uint32_t followers_ask(struct images *images, const struct image_entry *image)
{
	struct msg_images_users users = { .id = ++images->num_questions };
	struct message m;
	error_t err;

	if (images->follower == NULL)
		return 0;
	err = message_encode_images_users(&m, &users, image->id, strlen(image->id));
	assert(err == 0);
	return channel_send(images->follower->source.handle, &m) == 0 ? users.id : 0;
}

void followers_take(void *context, struct client *client, struct message *m)
{
	struct images *images = context;
	struct msg_images_follow follow;
	struct msg_images_used used;
	struct msg_images_ran ran;
	const uint8_t *tail;
	size_t len;

	if (message_decode_images_follow(m, &follow, &tail, &len) == 0) {
		followers_left(images, images->follower);
		images->follower = client;
		followers_tell(images);
		removals_go_on(images);
		jobs_follow(images);
	} else if (client == images->follower &&
	           message_decode_images_used(m, &used, &tail, &len) == 0) {
		used.user[sizeof(used.user) - 1] = '\0';
		removal_answered(images, &used);
	} else if (client == images->follower &&
	           message_decode_images_ran(m, &ran, &tail, &len) == 0) {
		jobs_ran(images, &ran, (struct span){ .data = tail, .len = len });
	} else {
		message_discard(m);
	}
}

void followers_left(struct images *images, const struct client *client)
{
	if (client == NULL || client != images->follower)
		return;
	images->follower = NULL;
	removals_wait(images);
	jobs_fail(images);
}
