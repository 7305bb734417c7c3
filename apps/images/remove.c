// SPDX-License-Identifier: MIT
#include "apps/images/removal.h"

#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"

static void refuse_removal(struct removal *removal, uint32_t status, const char *format,
                           const char *a, const char *b, const char *c)
{
	reply_error(removal->client, removal->id, status, format, a, b, c);
}

void removal_free(struct removal *removal)
{
	list_remove(&removal->entry);
	string_list_deinit(&removal->ids);
	json_writer_deinit(&removal->answer);
	heap_free(removal);
}

// --- What goes -----------------------------------------------------------------------------------

static void say(struct removal *removal, const char *what, const char *name)
{
	struct json_writer *w = &removal->answer;

	json_write_raw(w, w->len > 0 ? ",{\"" : "{\"");
	json_write_raw(w, what);
	json_write_raw(w, "\":");
	json_write_string(w, name);
	json_write_raw(w, "}");
}

static bool same_repository(const char *a, const char *b)
{
	size_t len = reference_repository(a);

	return len == reference_repository(b) && memcmp(a, b, len) == 0;
}

// Whether a name goes with another one: a digest, when it is the last tag of its repository.
static bool goes_along(const struct images *images, const struct reference *reference,
                       const char *name, const char *id)
{
	if (strcmp(reference->name, name) == 0)
		return true;
	if (!reference_has_digest(reference->name) || !same_repository(reference->name, name))
		return false;
	list_for_each(entry, &images->references) {
		const struct reference *other = container_of(entry, struct reference, entry);

		if (strcmp(other->id, id) == 0 && !reference_has_digest(other->name) &&
		    strcmp(other->name, name) != 0 && same_repository(other->name, name))
			return false;
	}
	return true;
}

// The names of an image that go: all, or one and those that go along.
static void untag(struct images *images, struct removal *removal, const char *id, const char *name)
{
	for (unsigned digests = 0; digests < 2; digests++) {
		list_for_each_safe(pos, &images->references)
		{
			struct reference *reference = container_of(pos, struct reference, entry);

			if (reference->of_host || strcmp(reference->id, id) != 0 ||
			    reference_has_digest(reference->name) != (digests == 1) ||
			    (name != NULL && !goes_along(images, reference, name, id)))
				continue;
			say(removal, "Untagged", reference_familiar(reference->name));
			event_tell(images, "untag", id, reference_familiar(reference->name));
			catalog_unrefer(images, reference);
		}
	}
}

static void delete_image(struct images *images, struct removal *removal, struct image_entry *image)
{
	char id[IMAGE_ID_MAX];

	str_copy(id, image->id, sizeof(id));
	untag(images, removal, id, NULL);
	if (store_write_references(images) < 0)
		log_debug("the names go with the image");
	store_remove(images, image);
	say(removal, "Deleted", id);
	event_tell(images, "delete", id, id);
	removal->freed += image->size;
	// What the host has packed stays.
	image->is_stored = image->is_going = false;
	if (!image->of_host)
		catalog_forget(images, image);
	removal->freed += layers_drop(images, 0);
}

// How many tags an image has, and in how many repositories at least (1, or 2 for more).
static size_t count_tags(const struct images *images, const struct image_entry *image,
                         size_t *repositories)
{
	const char *first = NULL;
	size_t count = 0;

	*repositories = 0;
	list_for_each(entry, &images->references) {
		const struct reference *reference = container_of(entry, struct reference, entry);

		if (!reference_counts(images, reference, image))
			continue;
		if (first == NULL || !same_repository(first, reference->name))
			*repositories += *repositories < 2 ? 1 : 0;
		first = first != NULL ? first : reference->name;
		count += reference_has_digest(reference->name) ? 0 : 1;
	}
	return count;
}

bool image_has_name(const struct images *images, const struct image_entry *image)
{
	size_t repositories;

	return count_tags(images, image, &repositories) > 0;
}

// --- Questions -----------------------------------------------------------------------------------

static void finish(struct images *images, struct removal *removal)
{
	struct json_writer w = { 0 };
	const char *members = json_writer_text(&removal->answer);

	if (members == NULL) {
		w.bad = true;
	} else if (removal->is_prune) {
		json_write_raw(&w, "{\"ImagesDeleted\":");
		json_write_raw(&w, removal->answer.len > 0 ? "[" : "null");
		json_write_raw(&w, removal->answer.len > 0 ? members : "");
		json_write_raw(&w, removal->answer.len > 0 ? "]" : "");
		json_write_raw(&w, ",\"SpaceReclaimed\":");
		json_write_i64(&w, (int64_t)removal->freed);
		event_tell_prune(images, removal->freed);
		json_write_raw(&w, "}");
	} else {
		json_write_raw(&w, "[");
		json_write_raw(&w, members);
		json_write_raw(&w, "]");
	}
	reply_json(removal->client, removal->id, 200, &w);
	removal_free(removal);
	followers_tell(images);
}

// Images that were made of this one keep it: its names go.
static bool untag_parent(struct images *images, struct removal *removal, struct image_entry *image)
{
	if (image_child(images, image, NULL) == NULL)
		return false;
	image->is_going = false;
	untag(images, removal, image->id, NULL);
	if (store_write_references(images) < 0)
		log_warn("after a restart names of %s are there again", image->id);
	return true;
}

// With an image goes the one that it was made of, if nobody has a name for it.
static void add_parent(const struct images *images, struct removal *removal,
                       const struct image_entry *image)
{
	const struct image_entry *parent = image_parent(images, image);

	if (parent != NULL && !removal->keeps_parents && parent->is_stored && !parent->is_going &&
	    !image_has_name(images, parent) && string_list_add(&removal->ids, parent->id) < 0)
		removal->answer.bad = true;
}

// Whether an image that containers have may go, when it is asked to be removed; else it was
// refused.
static bool may_go(struct removal *removal, const struct image_entry *image,
                   const struct msg_images_used *used)
{
	char short_id[SHORT_ID_MAX], user[SHORT_ID_MAX];

	image_short_id(image, short_id);
	str_copy(user, used->user, sizeof(user));
	if (used->running + used->stopped == 0 || (used->running == 0 && removal->force))
		return true;
	if (removal->name[0] != '\0' && !removal->force)
		refuse_removal(removal, 409,
		               "conflict: unable to remove repository reference \"%s\" (must "
		               "force) - container %s is using its referenced image %s",
		               reference_familiar(removal->name), user, short_id);
	else if (used->running > 0)
		refuse_removal(
			removal, 409,
			"conflict: unable to delete %s (cannot be forced) - image is being used "
			"by running container %s%s",
			short_id, user, "");
	else
		refuse_removal(removal, 409,
		               "conflict: unable to delete %s (must be forced) - image is being "
		               "used by stopped container %s%s",
		               short_id, user, "");
	return false;
}

static void take_answer(struct images *images, struct removal *removal,
                        const struct msg_images_used *used)
{
	struct image_entry *image = catalog_by_id(images, removal->ids.items[removal->next++]);

	removal->question = 0;
	if (image == NULL) {
		removal_advance(images, removal);
		return;
	}
	if ((removal->is_prune || removal->next > 1) && used->running + used->stopped > 0) {
		image->is_going = false;
		removal_advance(images, removal);
		return;
	}
	if (!may_go(removal, image, used)) {
		image->is_going = false;
		removal_free(removal);
		followers_tell(images);
		return;
	}
	if (!untag_parent(images, removal, image)) {
		add_parent(images, removal, image);
		delete_image(images, removal, image);
	}
	removal_advance(images, removal);
}

void removal_answered(struct images *images, const struct msg_images_used *used)
{
	list_for_each(entry, &images->removals) {
		struct removal *removal = container_of(entry, struct removal, entry);

		if (removal->question == 0 || removal->question != used->id)
			continue;
		take_answer(images, removal, used);
		return;
	}
}

// Asks of the image that is next. Without `containers` that waits until it is there. It may free
// `removal`.
static void ask(struct images *images, struct removal *removal, struct image_entry *image)
{
	error_t err = followers_ask(images, image, &removal->question);

	// Of one that has just gone, `closed` comes, and the next one is asked.
	if (err == 0 || err == ERR_PEER_CLOSED)
		return;
	image->is_going = false;
	refuse_removal(removal, 500, "out of memory%s%s%s", "", "", "");
	removal_free(removal);
	followers_tell(images);
}

void removals_wait(struct images *images)
{
	list_for_each(entry, &images->removals)
		container_of(entry, struct removal, entry)->question = 0;
}

void removals_go_on(struct images *images)
{
	list_for_each_safe(entry, &images->removals)
	{
		struct removal *removal = container_of(entry, struct removal, entry);
		struct image_entry *image =
			catalog_by_id(images, removal->ids.items[removal->next]);

		if (removal->question == 0 && image != NULL)
			ask(images, removal, image);
	}
}

// What they asked for is done all the same.
void removals_drop(struct images *images, const struct client *client, uint32_t id)
{
	list_for_each(entry, &images->removals) {
		struct removal *removal = container_of(entry, struct removal, entry);

		if (removal->client == client && (id == 0 || removal->id == id))
			removal->client = NULL;
	}
}

void removal_advance(struct images *images, struct removal *removal)
{
	struct image_entry *image = NULL;

	for (; removal->next < removal->ids.count && image == NULL; removal->next++) {
		image = catalog_by_id(images, removal->ids.items[removal->next]);
		// An image may have got a name since prune was asked for.
		if (image != NULL &&
		    (image->is_going ||
		     (removal->is_prune && !removal->all && image_has_name(images, image))))
			image = NULL;
		if (image != NULL)
			break;
	}
	if (image == NULL) {
		finish(images, removal);
		return;
	}
	image->is_going = true;
	followers_tell(images);
	ask(images, removal, image);
}

// --- Requests ------------------------------------------------------------------------------------

struct removal *removal_begin(struct request *request)
{
	struct removal *removal = heap_alloc(sizeof(*removal));

	if (removal == NULL) {
		request_refuse(request, 500, "out of memory");
		return NULL;
	}
	removal->client = request->client;
	removal->id = request->id;
	list_push_back(&request->images->removals, &removal->entry);
	return removal;
}

// Only a name goes: the image has others.
static void remove_name(struct request *request, const struct found *found)
{
	struct images *images = request->images;
	struct removal *removal = removal_begin(request);
	char id[IMAGE_ID_MAX], name[IMAGE_NAME_MAX];
	error_t err;

	if (removal == NULL)
		return;
	str_copy(id, found->image->id, sizeof(id));
	str_copy(name, found->reference->name, sizeof(name));
	untag(images, removal, id, name);
	err = store_write_references(images);
	if (err < 0 && err != ERR_NOT_READY)
		log_warn("after a restart the name %s is there again", name);
	finish(images, removal);
}

static bool is_refused(struct request *request, const struct found *found, size_t repositories,
                       bool force)
{
	char short_id[SHORT_ID_MAX];

	image_short_id(found->image, short_id);
	if (!found->image->is_stored || (found->reference != NULL && found->reference->of_host))
		request_refuse(
			request, 409,
			"conflict: unable to delete %s (cannot be forced) - the host has packed it: "
			"leave it out of LINUXRUN_IMAGES",
			short_id);
	else if (found->reference == NULL &&
	         image_child(request->images, found->image, NULL) != NULL)
		request_refuse(
			request, 409,
			"conflict: unable to delete %s (cannot be forced) - image has dependent "
			"child images",
			short_id);
	else if (found->reference == NULL && repositories > 1 && !force)
		request_refuse(
			request, 409,
			"conflict: unable to delete %s (must be forced) - image is referenced in "
			"multiple repositories",
			short_id);
	else
		return false;
	return true;
}

void operation_remove(struct request *request)
{
	bool force = query_flag(request, "force");
	struct found found;
	struct removal *removal;
	size_t tags, repositories;

	if (!catalog_find(request, request->target, &found))
		return;
	tags = count_tags(request->images, found.image, &repositories);
	if (found.reference != NULL && !found.reference->of_host &&
	    (!found.image->is_stored || tags > 1 ||
	     (tags == 1 && reference_has_digest(found.reference->name)))) {
		remove_name(request, &found);
		return;
	}
	if (is_refused(request, &found, repositories, force))
		return;
	removal = removal_begin(request);
	if (removal == NULL)
		return;
	removal->force = force;
	removal->keeps_parents = query_flag(request, "noprune");
	if (found.reference != NULL)
		str_copy(removal->name, found.reference->name, sizeof(removal->name));
	if (string_list_add(&removal->ids, found.image->id) < 0)
		removal->answer.bad = true;
	removal_advance(request->images, removal);
}
