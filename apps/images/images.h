// SPDX-License-Identifier: MIT
//
// The images of the machine: the app's state. Those that the host has packed lie on the disk
// "images"; what was pulled or loaded is in the folder IMAGES_STORE of the state disk. Parts:
//   boot.c       the host's images
//   catalog.c    images and references to them; which image a name means
//   record.c     what a file NAME.json says of an image
//   reference.c  names as people write and read them
//   store.c      what lies on the state disk
//   listing.c    the list that `containers` is told
//   followers.c  `containers`, which is told which images there are, and asked who has one
//   import.c     docker import; commit.c: docker commit
//   pull.c       what begins a job: pull and load; login.c reads what a client logs in with
//   jobs.c       runs of the system's container; output.c reads what it says, job_stream.c does
//                what that means, input.c gives it stdin, waiters.c has the clients that wait
//   layers.c     layers that are kept for images, each once
//   ingest.c     from a job's folder into the store
//   sweep.c      folders of jobs that are over
//   events.c     what happens to images, for who watches containers
//   save.c       docker save; save_archive.c: what it writes, save_index.c: as an OCI layout, too;
//                save_kept.c: of what is kept, save_export.c: from a virtual machine
//   show.c       images in the forms of Docker's API
//   parents.c    which image was made of which
//   operations.c tag; remove.c has rm, prune.c prune (removal.h)
#pragma once

#include "apps/images/record.h"
#include "apps/images/reference.h"
#include "apps/images/store.h"
#include "libs/abi/images.h"
#include "libs/linux/image/image_index.h"
#include "libs/linux/vm/boot_disk.h"
#include "libs/requests/requests.h"
#include "libs/starina/opener.h"

// Images and references to them that there may be.
#define IMAGES_MAX IMAGE_INDEX_MAX
#define REFERENCES_MAX 1024u
// "sha256:"
#define DIGEST_PREFIX_LENGTH 7u
// Of an id that is shown, as docker shortens it, with a NUL.
#define SHORT_ID_MAX 13u

struct image_entry {
	struct list entry;
	char id[IMAGE_ID_MAX];
	char *record;  // heap: a JSON object (record.h)
	uint64_t size;
	size_t listed_size;  // bytes of the list (listing.c)
	bool of_host;        // it lies on the disk "images"
	bool is_stored;      // it is in the store
	uint64_t first_sector;
	uint64_t num_sectors;
	bool is_going;  // it is being removed: nobody is to begin to use it
};

// A name of an image: "docker.io/library/alpine:latest", or with "@" and a digest.
struct reference {
	struct list entry;
	char name[IMAGE_NAME_MAX];
	char id[IMAGE_ID_MAX];  // of an image that may not be there, if it was the host's
	bool of_host;
};

// Jobs of the two sorts that do not wait for one another.
struct job_counts {
	uint32_t there;
	uint32_t running;
};

struct images {
	const struct environ *env;
	struct loop loop;
	struct request_server server;
	bool serves;

	// catalog.c
	struct list images;
	uint32_t num_images;
	struct list references;  // the host's come last
	uint32_t num_references;
	bool knows_names;  // those of the store were read: they may be written

	// followers.c
	struct client *follower;  // NULL: `containers` is not there
	uint32_t num_questions;
	struct list removals;  // struct removal, that wait for an answer

	// jobs.c
	struct list jobs;
	struct job_counts brought;  // of those that bring images in
	struct job_counts logins;
	uint32_t num_runs;

	// layers.c
	struct list layers;  // the one that came last is the last
	uint32_t num_layers;
	uint64_t layers_size;

	// save.c
	struct list saves;
	uint32_t num_saves;

	// sweep.c
	struct string_list sweeps;  // names of folders
	handle_t sweep_timer;
	struct source sweep;

	// idle.c
	handle_t idle_timer;
	struct source idle;

	// boot.c
	struct opener opener;
	struct disk disk;
	struct boot_disk boot;
	uint8_t *index_data;
	bool knows_host;
};

// --- boot.c ---

// Begins to read the boot disk; `images_begin` comes after it.
void boot_start(struct images *images);

// --- main.c ---

// The host's images are known.
void images_begin(struct images *images);

// --- catalog.c ---

// Takes the images of a document of the host's. Errors: as record_index's, and ERR_NO_MEMORY.
__must_check error_t catalog_add_host(struct images *images, struct span document);
// An image of an id, made when it is not there; NULL: memory is out, or there are too many.
struct image_entry *catalog_make(struct images *images, const char *id);
// The same, with a copy of its record, which takes that many bytes of the list.
struct image_entry *catalog_know(struct images *images, const char *id, struct span record,
                                 size_t listed_size);
// The image of an id; NULL: there is none.
struct image_entry *catalog_by_id(const struct images *images, const char *id);
// It is not there any more; its references stay.
void catalog_forget(struct images *images, struct image_entry *image);
// A name leads to an image from now on. Errors: ERR_NO_MEMORY, ERR_LIMIT.
__must_check error_t catalog_refer(struct images *images, const char *name, const char *id);
// The reference of a full name that leads to an image that is there; NULL: there is none.
struct reference *catalog_reference(const struct images *images, const char *name);
void catalog_unrefer(struct images *images, struct reference *reference);
// Whether this reference is what its name means.
bool reference_counts(const struct images *images, const struct reference *reference,
                      const struct image_entry *image);
// Images that people may see: not the system's own.
bool image_is_shown(const struct images *images, const struct image_entry *image);
void image_short_id(const struct image_entry *image, char out[static SHORT_ID_MAX]);

// What is known of an image. Errors: as record_read's.
__must_check error_t image_record(const struct image_entry *image, struct record *out);

// What a name, an id, or the beginning of one means.
struct found {
	struct image_entry *image;
	struct reference *reference;  // NULL: it was an id
};

// Finds an image that is shown; without, the request is answered.
bool catalog_find(struct request *request, const char *name, struct found *out);

// --- listing.c ---

// Writes the list.
void listing_write(struct json_writer *w, const struct images *images);
// Whether an image, which may be there already, can be one of ours; `*size`: what it takes up in
// the list. Errors: ERR_PROTOCOL (`containers` would not understand it), ERR_LIMIT (there are too
// many), ERR_TOO_LARGE (the list would be), ERR_NO_MEMORY.
__must_check error_t listing_check(const struct images *images, const char *id,
                                   const struct record *record, size_t *size);

// --- followers.c ---

// The images, or the names, have changed.
void followers_tell(struct images *images);
// A message that is no request.
void followers_take(void *context, struct client *client, struct message *m);
// A client is gone.
void followers_left(struct images *images, const struct client *client);
// Sends it a message, which is consumed. Errors: outbox_send's, ERR_PEER_CLOSED (it is not there).
__must_check error_t followers_send(const struct images *images, struct message *m);
// Asks which containers have an image; `question` becomes the question's number, or 0. Errors: as
// followers_send's.
__must_check error_t followers_ask(struct images *images, const struct image_entry *image,
                                   uint32_t *question);

// --- layers.c ---

// Of the name of a file that is kept, with a NUL.
#define LAYERS_FILE_MAX (2 * IMAGES_FILE_MAX)

// Reads which layers are kept.
void layers_read(struct images *images);
// Whether what has a digest is kept, and the name of its file in the store's folder.
bool layers_have(const struct images *images, const char *digest);
void layers_file(const char *digest, char out[static LAYERS_FILE_MAX]);
// Removes the layers that no image and no job needs, the oldest first, until those that are left
// have `spare` bytes. Returns how many bytes have gone.
uint64_t layers_drop(struct images *images, uint64_t spare);

// --- sweep.c ---

// Makes what it needs.
void sweep_init(struct images *images);
// A folder of the store, with all that is in it, is to go.
void sweep_add(struct images *images, const char *name);
// --- events.c ---

// Tells `containers` of an event: "tag", "untag", "delete", "pull", "load", "save". `id` is the
// image's id, of a pull its name.
void event_tell(const struct images *images, const char *action, const char *id, const char *name);
// Tells it that images nobody needed were removed, and how many bytes that has freed.
void event_tell_prune(const struct images *images, uint64_t freed);

// --- parents.c ---

// The next of the images that were made of another one, behind `after` (NULL: the first); NULL:
// there is none. Those that are going do not count.
struct image_entry *image_child(const struct images *images, const struct image_entry *parent,
                                const struct image_entry *after);
// The image that one was made of; NULL: it is not there, or none is known.
struct image_entry *image_parent(const struct images *images, const struct image_entry *child);

// --- show.c ---

// GET /images/json.
void show_all(struct request *request);
// GET /images/NAME/json.
void show_one(struct request *request);
// The configuration of an image in the API's form.
void show_config(struct json_writer *w, const struct record *record);
// GET /images/NAME/history.
void show_history(struct request *request);

// --- operations.c ---

// POST /images/NAME/tag: 201, 400 (the new name), 404.
void operation_tag(struct request *request);
// The name that the query's `repo` and `tag` make; "" without a `repo`, if it `may_lack`. False,
// and the request was refused (400), of a digest with the words `no_digest`.
bool operation_name(struct request *request, bool may_lack, const char *no_digest,
                    char out[static IMAGE_NAME_MAX]);

// --- remove.c ---

// DELETE /images/NAME: 200, 404, 409 (a container has it, it has several names).
void operation_remove(struct request *request);
// POST /images/prune.
void operation_prune(struct request *request);
// The answer to a question.
void removal_answered(struct images *images, const struct msg_images_used *used);
// `containers` is gone, and is asked again when it is back.
void removals_wait(struct images *images);
void removals_go_on(struct images *images);
// A client that waits for one is gone, or does not wait any more (0: for any).
void removals_drop(struct images *images, const struct client *client, uint32_t id);
