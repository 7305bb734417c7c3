// SPDX-License-Identifier: MIT
//
// `containers`, which follows: it is told which images there are, and asked which containers have
// one. What it has made of an image before it was told of its end counts, for both go the same way.
#include "apps/images/images.h"
#include "apps/images/jobs.h"
#include "apps/images/save.h"
#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

error_t followers_send(const struct images *images, struct message *m)
{
	if (images->follower != NULL)
		return outbox_send(&images->follower->outbox, m);
	message_discard(m);
	return ERR_PEER_CLOSED;
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
	listing_write(&w, images);
	text = json_writer_text(&w);
	list.length = (uint32_t)w.len;
	list.layers_size = images->layers_size;
	err = message_encode_images_list(&m, &list, NULL, 0);
	assert(err == 0);
	err = text != NULL ? payload_copy(text, w.len, &m.handles[0]) : ERR_NO_MEMORY;
	m.num_handles = err == 0 ? 1 : 0;
	json_writer_deinit(&w);
	if (err == 0)
		err = followers_send(images, &m);
	if (err < 0)
		log_error("`containers` is not told of images: %s", error_text(err));
}

error_t followers_ask(struct images *images, const struct image_entry *image, uint32_t *question)
{
	struct msg_images_users users = { .id = ++images->num_questions };
	struct message m;
	error_t err;

	err = message_encode_images_users(&m, &users, image->id, strlen(image->id));
	assert(err == 0);
	err = followers_send(images, &m);
	*question = err == 0 ? users.id : 0;
	return err;
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
	saves_fail(images);
}
