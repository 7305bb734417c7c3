// SPDX-License-Identifier: MIT
#include "apps/images/save.h"

#include "apps/images/images.h"
#include "apps/images/save_archive.h"
#include "apps/images/save_export.h"
#include "apps/images/save_index.h"
#include "apps/images/save_kept.h"
#include "libs/base/fmt.h"
#include "libs/base/hex.h"
#include "libs/base/string.h"
#include "libs/http/target.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

// At a time: each has a virtual machine.
#define SAVES_MAX 4u
// Of a message to the client.
#define PIECE_MAX (64u * 1024)

struct save {
	struct images *images;
	struct list entry;
	struct client *client;  // NULL: gone
	uint32_t request;
	struct save_item *items;  // heap
	size_t count;
	size_t at;
	bool accepted;  // the head of the answer was sent

	// To the client.
	struct source out;
	struct json_writer bytes;  // that wait for room; any bytes
	size_t sent;               // of them
	bool is_over;              // nothing follows them
	bool ended;                // MSG_END was sent

	struct save_kept kept;
	bool is_kept;  // the image at hand: no virtual machine is needed

	// From the virtual machine.
	uint32_t number;  // of the export; 0: none
	struct source in;
	struct save_export export;

	struct save_index index;
	struct json_writer manifest;
};

static const char *begin_image(struct save *save);

// --- The end -------------------------------------------------------------------------------------

static void export_end(struct save *save)
{
	struct msg_images_stop stop = { .id = save->number };
	struct message m;
	error_t err = message_encode_images_stop(&m, &stop, NULL, 0);

	if (save->number == 0)
		return;
	assert(err == 0);
	loop_close(&save->images->loop, &save->in);
	save->number = 0;
	if (followers_send(save->images, &m) < 0)
		log_debug("an image's export ends by itself");
}

static void save_free(struct save *save)
{
	export_end(save);
	save_kept_deinit(&save->kept);
	save_index_deinit(&save->index);
	loop_close(&save->images->loop, &save->out);
	list_remove(&save->entry);
	save->images->num_saves--;
	for (size_t i = 0; i < save->count; i++)
		string_list_deinit(&save->items[i].tags);
	heap_free(save->items);
	json_writer_deinit(&save->bytes);
	json_writer_deinit(&save->manifest);
	heap_free(save);
}

// An answer that has begun breaks off.
static void fail(struct save *save, const char *why)
{
	if (!save->accepted)
		reply_error(save->client, save->request, 500, "docker save: %s", why);
	else
		log_warn("docker save breaks off: %s", why);
	save_free(save);
}

void saves_fail(struct images *images)
{
	list_for_each_safe(pos, &images->saves)
	{
		struct save *save = container_of(pos, struct save, entry);

		if (!save->is_over)
			fail(save, "the service of containers has ended: try again");
	}
}

void saves_drop(struct images *images, const struct client *client)
{
	list_for_each(entry, &images->saves) {
		struct save *save = container_of(entry, struct save, entry);

		if (save->client == client)
			save->client = NULL;
	}
}

// --- To the client -------------------------------------------------------------------------------

// Sends what there is room for. Errors: ERR_FULL, ...
static error_t send_bytes(struct save *save)
{
	struct json_writer *bytes = &save->bytes;
	struct message m;
	error_t err = 0;

	while (save->sent < bytes->len && err == 0) {
		size_t len = bytes->len - save->sent;

		len = len < PIECE_MAX ? len : PIECE_MAX;
		err = payload_make(&m, bytes->text + save->sent, len);
		if (err == 0) {
			err = channel_send(save->out.handle, &m);
			if (err < 0)
				message_discard(&m);
		}
		if (err == 0)
			save->sent += len;
	}
	if (err == 0) {
		bytes->len = 0;
		save->sent = 0;
	}
	return err;
}

static error_t send_end(struct save *save)
{
	static const struct msg_end end;
	struct message m;
	error_t err = message_encode_end(&m, &end, NULL, 0);

	assert(err == 0);
	err = channel_send(save->out.handle, &m);
	save->ended = err == 0;
	return err;
}

// The image at hand is written: goes on with the next one. Returns why that cannot be, or NULL.
static const char *end_image(struct save *save)
{
	if (++save->at < save->count)
		return begin_image(save);
	save_index_write_end(&save->index, &save->bytes);
	json_write_raw(&save->manifest, "]\n");
	save_write_entry(&save->bytes, "manifest.json",
	                 (struct span){ (const uint8_t *)save->manifest.text, save->manifest.len });
	save_write_end(&save->bytes);
	save->is_over = true;
	return NULL;
}

// Takes the next bytes of an image that is kept. Returns why that cannot be, or NULL.
static const char *take_kept(struct save *save)
{
	struct save_item *item = &save->items[save->at];
	bool is_whole;
	error_t err =
		save_kept_read(&save->kept, save->images, &save->index, &save->bytes, &is_whole);

	if (err < 0)
		return err == ERR_PROTOCOL ? "a layer is damaged on the state disk"
					   : "a layer cannot be read";
	if (!is_whole)
		return save->bytes.bad ? "out of memory" : NULL;
	if (save_index_write_manifest(&save->index, &save->bytes, item, save->kept.blobs.items,
	                              save->kept.blobs.count) < 0 ||
	    save_kept_write_item(&save->kept, &save->manifest, item, save->at == 0) < 0)
		return "out of memory";
	save->is_kept = false;
	return end_image(save);
}

// While something waits, the virtual machine does. It may free `save`.
static void flush(struct save *save)
{
	error_t err = send_bytes(save);

	while (err == 0 && save->is_kept) {
		const char *why = take_kept(save);

		if (why != NULL) {
			fail(save, why);
			return;
		}
		err = send_bytes(save);
	}
	if (err == 0 && save->is_over && !save->ended)
		err = send_end(save);
	// Nothing would come that it goes on with.
	if (err < 0 && err != ERR_FULL && err != ERR_PEER_CLOSED) {
		fail(save, error_text(err));
		return;
	}
	source_want_writable(&save->out, err == ERR_FULL);
	if (save->number != 0)
		source_want_messages(&save->in, err == 0);
}

static void out_writable(struct loop *loop, struct source *source)
{
	(void)loop;
	flush(source->context);
}

// Nothing comes from there.
static void out_message(struct loop *loop, struct source *source, struct message *m)
{
	(void)loop;
	(void)source;
	message_discard(m);
}

static void out_closed(struct loop *loop, struct source *source)
{
	(void)loop;
	save_free(source->context);
}

static const struct source_ops out_ops = {
	.message = out_message,
	.writable = out_writable,
	.closed = out_closed,
	.hung_up = out_closed,
};

// --- From the virtual machine --------------------------------------------------------------------

static void accept(struct save *save)
{
	if (!save->accepted)
		reply_empty(save->client, save->request, CONTAINERS_ACCEPTED, CONTAINERS_TAR);
	save->accepted = true;
}

// The layer is to come: its entry begins.
static bool begin_layer(void *context, uint64_t size)
{
	struct save *save = context;
	char name[80];

	accept(save);
	save_layer_name(&save->items[save->at], name);
	save_write_header(&save->bytes, name, size);
	return true;
}

static void take_bytes(void *context, struct span bytes)
{
	struct save *save = context;

	json_write_span(&save->bytes, bytes);
}

// The layer has come: its digest is known, and so is the image's configuration.
static bool end_layer(void *context, const uint8_t bytes[SHA256_SIZE])
{
	struct save *save = context;
	const struct save_item *item = &save->items[save->at];
	const struct image_entry *image = catalog_by_id(save->images, item->id);
	char digest[SAVE_DIGEST_MAX] = "sha256:", name[SAVE_DIGEST_MAX + 8], layer[80];
	char *layers[] = { layer };
	struct json_writer config = { 0 };
	struct record record;
	struct span text;

	if (image == NULL || image_record(image, &record) < 0)
		return false;
	hex_write(bytes, SHA256_SIZE, digest + DIGEST_PREFIX_LENGTH);
	save_write_padding(&save->bytes, save->export.size);
	save_write_config(&config, &record, digest);
	text = (struct span){ (const uint8_t *)json_writer_text(&config), config.len };
	if (text.data != NULL) {
		save_digest(text, digest);
		fmt_write(name, sizeof(name), "%s.json", digest + DIGEST_PREFIX_LENGTH);
		save_write_entry(&save->bytes, name, text);
		save_layer_name(item, layer);
		save_write_item(&save->manifest, item, name, layers, 1, save->at == 0);
		save_index_lacks(&save->index);
	}
	json_writer_deinit(&config);
	return text.data != NULL;
}

static const struct save_export_ops export_ops = { .begin = begin_layer,
	                                           .bytes = take_bytes,
	                                           .end = end_layer };

// It goes on, unless there is a reason why it cannot.
static void go_on(struct save *save, const char *why)
{
	if (why != NULL)
		fail(save, why);
	else
		flush(save);
}

static void in_message(struct loop *loop, struct source *source, struct message *m)
{
	struct save *save = source->context;
	struct payload payload = { 0 };
	bool good = false;

	(void)loop;
	if (m->type == MSG_END && save->export.part == SAVE_EXPORT_DONE) {
		message_discard(m);
		export_end(save);
		go_on(save, end_image(save));
		return;
	}
	if (m->type == MSG_DATA && payload_open(m, &payload) == 0) {
		good = save_export_take(&save->export, payload.bytes, &export_ops, save) &&
			!save->bytes.bad && !save->manifest.bad;
		payload_release(&payload);
	} else {
		message_discard(m);
	}
	if (good)
		flush(save);
	else
		fail(save, "the files of the image cannot be read");
}

static void in_closed(struct loop *loop, struct source *source)
{
	(void)loop;
	fail(source->context,
	     "the files of the image cannot be read: no virtual machine has done it");
}

static const struct source_ops in_ops = { .message = in_message, .closed = in_closed };

// --- The start -----------------------------------------------------------------------------------

static error_t send_export(struct save *save, handle_t far)
{
	struct msg_images_export export = { .id = save->number };
	const char *id = save->items[save->at].id;
	struct message m;
	error_t err = message_encode_images_export(&m, &export, id, strlen(id));

	assert(err == 0);
	m.handles[0] = far;
	m.num_handles = 1;
	return followers_send(save->images, &m);
}

// Has a virtual machine write the files of the image at hand. Returns why that cannot be, or NULL.
static const char *begin_export(struct save *save)
{
	handle_t ends[2];
	error_t err = channel_create(ends);

	if (err == 0) {
		err = loop_add(&save->images->loop, &save->in, ends[0], &in_ops, save);
		if (err < 0) {
			handle_close(ends[0]);
			handle_close(ends[1]);
		}
	}
	if (err == 0) {
		save->number = ++save->images->num_runs;
		save_export_begin(&save->export);
		err = send_export(save, ends[1]);
	}
	if (err == 0)
		return NULL;
	return err == ERR_PEER_CLOSED ? "the service of containers is starting: try again"
				      : error_text(err);
}

static const char *begin_image(struct save *save)
{
	const struct image_entry *image = catalog_by_id(save->images, save->items[save->at].id);

	if (image == NULL)
		return "the image was removed";
	event_tell(save->images, "save", image->id, image->id);
	if (!save_kept_begin(&save->kept, save->images, image))
		return begin_export(save);
	accept(save);
	save->is_kept = true;
	return NULL;
}

static struct save *make(struct request *request)
{
	struct images *images = request->images;
	struct save *save = images->num_saves < SAVES_MAX ? heap_alloc(sizeof(*save)) : NULL;

	if (save == NULL || request->channel == HANDLE_NONE ||
	    loop_add(&images->loop, &save->out, request->channel, &out_ops, save) < 0) {
		heap_free(save);
		request_refuse(request, 503, "too many images are being saved: try again");
		return NULL;
	}
	request->channel = HANDLE_NONE;
	save->images = images;
	save->client = request->client;
	save->request = request->id;
	list_push_back(&images->saves, &save->entry);
	images->num_saves++;
	return save;
}

void operation_save(struct request *request, bool is_list)
{
	struct save_item *items = heap_alloc(SAVE_ITEMS_MAX * sizeof(*items));
	struct save *save = NULL;
	size_t count = 0;
	bool good;

	if (items == NULL) {
		request_refuse(request, 500, "out of memory");
		return;
	}
	good = is_list ? save_names_find_all(request, items, &count)
		       : save_names_find(request, request->target, items, &count);
	if (good)
		save = make(request);
	if (save == NULL) {
		for (size_t i = 0; i < count; i++)
			string_list_deinit(&items[i].tags);
		heap_free(items);
		return;
	}
	save->items = items;
	save->count = count;
	go_on(save, begin_image(save));
}
