// SPDX-License-Identifier: MIT
//
// The service "images": which images there are. `engine` asks what Docker's API asks of images, by
// the requests of libs/abi/containers.h with these operations.
//
// `containers` follows it: IMAGES_FOLLOW, then it is sent IMAGES_LIST, and again at each change. It
// is asked which containers have an image, and to run what pulls and unpacks images (apps/images).
#pragma once

#include "libs/abi/files.h"
#include "libs/abi/message.h"

#define IMAGES_FIRST 60u
#define IMAGES_LAST 79u

enum images_operation {
	IMAGES_SHOW_ALL = 60,  // no target: GET /images/json
	IMAGES_INSPECT = 61,   // target of these: an image's name
	IMAGES_HISTORY = 62,
	IMAGES_TAG = 63,
	IMAGES_REMOVE = 64,
	IMAGES_PRUNE = 65,     // no target
	IMAGES_CREATE = 66,    // a transfer: a pull, by the query
	IMAGES_LOAD = 67,      // a transfer
	IMAGES_SAVE = 68,      // a transfer; target: an image's name
	IMAGES_SAVE_ALL = 69,  // a transfer; `names` in the query
	IMAGES_DISTRIBUTION = 70,
	// From `containers`: POST /commit. The body is {"parent":ID,"created_by":TEXT,"container":
	// OBJECT,"config":ANY}; the query is the client's. One more handle: a channel. After
	// CONTAINERS_ACCEPTED the archives of the container's files are to come there, in frames
	// (guest/bootd/tar_write.h), and MSG_END; then there is another reply.
	IMAGES_COMMIT = 71,
	IMAGES_LOGIN = 72,  // no target; the body is what POST /auth has
};

// The folder of the state disk that has the files of images, and a folder for what is unpacked.
#define IMAGES_FOLDER "images"
#define IMAGES_STORE FILES_STORE_PREFIX IMAGES_FOLDER
// The folder in it of layers that are kept, each called by the digits of its digest.
#define IMAGES_LAYERS "layers"
// A name in it, with a NUL.
#define IMAGES_FILE_MAX 80u
// Of a container's id as text, with a NUL.
#define IMAGES_USER_MAX 65u

// From `containers`: it is to be told.
struct msg_images_follow {
	uint32_t reserved;
};

// What images there are, in the form of libs/linux/image/image_index.h. One handle: a folio.
struct msg_images_list {
	uint32_t length;
	uint64_t layers_size;  // bytes of the layers that are kept besides
};

// Which containers have an image? What was sent before counts. Tail: its id.
struct msg_images_users {
	uint32_t id;
};

// The answer; the container's id as text is one that has it, and runs if one does.
struct msg_images_used {
	uint32_t id;
	uint32_t running;  // containers
	uint32_t stopped;
	char user[IMAGES_USER_MAX];
};

// Runs the image IMAGE_SYSTEM in a virtual machine, with a folder of IMAGES_STORE as its /incoming,
// and IMAGES_LAYERS, read-only, as its /layers if it `sees_layers`.
// Two handles: a folio with its arguments, each with a NUL behind it, and a channel, as of
// vmm_attach, with its stdin, stdout and stderr. Tail: the folder's name.
struct msg_images_run {
	uint32_t id;
	uint32_t length;       // of the arguments
	uint32_t sees_layers;  // 0 or 1
};

// Writes the files of an image, in frames (guest/bootd/tar_write.h): the size of the archive of its
// file system, in decimal digits, and the archive. One handle: a channel, which gets MSG_DATA and
// MSG_END, and is closed before that when something goes wrong. It has what it needs until
// IMAGES_STOP. `id` is no run's. Tail: the image's id.
struct msg_images_export {
	uint32_t id;
};

// It has ended. Tail: what went wrong, when the status is not the program's own.
struct msg_images_ran {
	uint32_t id;
	int32_t status;
};

// Ends a run, or an export, unless it has ended.
struct msg_images_stop {
	uint32_t id;
};

// To `containers`, whose clients watch what happens: an event of an image. One handle: a folio with
// the action ("tag"), the image's id or name, and its name, each with a NUL behind it.
struct msg_images_event {
	uint32_t length;
};

#define IMAGES_MESSAGES(X)                            \
	X(IMAGES_FOLLOW, images_follow, 150, 0, NONE) \
	X(IMAGES_LIST, images_list, 151, 1, NONE)     \
	X(IMAGES_USERS, images_users, 152, 0, UTF8)   \
	X(IMAGES_USED, images_used, 153, 0, NONE)     \
	X(IMAGES_RUN, images_run, 154, 2, UTF8)       \
	X(IMAGES_RAN, images_ran, 155, 0, UTF8)       \
	X(IMAGES_STOP, images_stop, 156, 0, NONE)     \
	X(IMAGES_EVENT, images_event, 157, 1, NONE)   \
	X(IMAGES_EXPORT, images_export, 147, 1, UTF8)

enum { IMAGES_MESSAGES(MESSAGE_NUMBER) };
IMAGES_MESSAGES(MESSAGE_DECODER)
IMAGES_MESSAGES(MESSAGE_ENCODER)
