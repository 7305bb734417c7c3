// SPDX-License-Identifier: MIT
#include "apps/images/images.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

#define ACTION_MAX 16u
#define NUMBER_MAX 24u

void event_tell(const struct images *images, const char *action, const char *id, const char *name)
{
	char text[ACTION_MAX + 2 * IMAGE_NAME_MAX + IMAGE_ID_MAX];
	struct writer w = writer_make(text, sizeof(text));
	struct msg_images_event event;
	struct message m;
	error_t err;

	if (images->follower == NULL)
		return;
	writer_bytes(&w, action, strlen(action) + 1);
	writer_bytes(&w, id, strlen(id) + 1);
	writer_bytes(&w, name, strlen(name) + 1);
	assert(writer_status(&w) == 0);
	event.length = (uint32_t)w.len;
	err = message_encode_images_event(&m, &event, NULL, 0);
	assert(err == 0);
	err = payload_copy(text, w.len, &m.handles[0]);
	if (err == 0) {
		m.num_handles = 1;
		err = followers_send(images, &m);
	}
	if (err < 0)
		log_warn("an event of an image is lost: %s", error_text(err));
}

void event_tell_prune(const struct images *images, uint64_t freed)
{
	char text[NUMBER_MAX];

	fmt_write(text, sizeof(text), "%llu", (unsigned long long)freed);
	event_tell(images, "prune", "", text);
}
