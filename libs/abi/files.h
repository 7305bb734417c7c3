// SPDX-License-Identifier: MIT
//
// The files service ("files"): file systems that speak FUSE (libs/abi/fuse.h). Open "files:NAME"
// with MSG_OPEN: the open_reply's channel is a FUSE session, which FUSE_INIT begins and closing the
// channel ends. Requests and replies move as they are, and nothing in between changes them. hostfs
// provides "files:host", the folders of the host that run.sh shares: its root has one child a
// folder, "0", "1" and so on. "files:host/NAME" is the folder that run.sh shares with apps by that
// name (--share): it is the root itself. In "files:host/NAME/" it is the root's one child, "0";
// "files:host/NAME/ro" is the same and refuses changes. "files:host/+N/" and "files:host/+N/ro" are
// those with the number N that HOST_BIND has given (libs/abi/host.h).
//
// The service "volumes" speaks the same. fs provides it, from the state disk. "volumes:all" has one
// folder a named volume in its root, each of them a submount; a client makes, renames and removes
// volumes as folders. "volumes:ro" is the same and refuses changes. In "volumes:all/NAME/" and
// "volumes:ro/NAME/" the root has no child but NAME, which a client may look up and make. Without a
// state disk an open fails with ERR_NOT_FOUND, with one that is no file system of ours with
// ERR_NOT_SUPPORTED; the text says what is wrong.
//
// The service "own" is fs's, too. Its one session, "own:", is the folder that belongs to the app
// that connects, made when it is not there. The kernel tells fs which app that is (channel_maker),
// so no app can have another's. Such a session has no key.
//
// The service "store" is fs's as well, for the apps of the engine: "store:NAME" is the folder
// engine/NAME of the state disk, made when it is not there, with what is in its root as submounts;
// "store:NAME/CHILD" is a folder in there, likewise. "store-ro:NAME" is the same and refuses
// changes. With "/CHILD/" behind it the root has no child but CHILD, as of "volumes".
// "store-disk:NAME/PATH" is a file in there as a block device (libs/abi/blkdev.h): the channel is
// the disk's. Holes read as zeroes, and its size is the file's when it was opened, in whole
// sectors. "store-disk-ro:NAME/PATH" is the same for reading. Who opens a disk for writing has it
// alone: others who have it lose it, and the answer comes once all is done that they have asked
// for.
//
// The service "unmount" is fs's, for who powers the machine off: an open of FILES_UNMOUNT ends all
// sessions for good, and is answered, with a channel that is closed, once all is on the disk, which
// is clean then. Who opens a session after that gets no answer.
//
// A client has at most FILES_MAX_REQUESTS unanswered requests, each with a `unique` of its own.
// Some get no answer (fuse_is_answered). A session whose client breaks the rules, or whose other
// end is gone, is closed.
//
// The client may stand for a guest that means harm. So a provider takes from a session only node
// ids that it has given to this session and that are not forgotten, and fails others with ESTALE;
// it looks no name up that is "." or ".." or has a "/". Node ids are below 2^FILES_NODE_BITS, for a
// client that shows several sessions as one uses the bits above. A provider's FUSE_INIT takes all
// flags that it is offered of those below, and requests of FILES_MAX_DATA bytes of data.
#pragma once

#include "libs/abi/fuse.h"
#include "libs/abi/message.h"

#define FILES_HOST "files:host"
#define FILES_HOST_PREFIX "files:host/"
#define FILES_VOLUMES "volumes:all"
#define FILES_VOLUMES_READ_ONLY "volumes:ro"
#define FILES_OWN_FOLDER "own:"
#define FILES_STORE_PREFIX "store:"
#define FILES_STORE_READ_ONLY "store-ro:"
#define FILES_STORE_DISK "store-disk:"
#define FILES_STORE_DISK_READ_ONLY "store-disk-ro:"
#define FILES_UNMOUNT "unmount:"
#define FILES_NODE_BITS 56
#define FILES_MAX_REQUESTS 32u
// Of every provider.
#define FILES_INIT_FLAGS                                                                        \
	(FUSE_ASYNC_READ | FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS | FUSE_ATOMIC_O_TRUNC |          \
	 FUSE_BIG_WRITES | FUSE_AUTO_INVAL_DATA | FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO | \
	 FUSE_ASYNC_DIO | FUSE_PARALLEL_DIROPS | FUSE_MAX_PAGES | FUSE_SUBMOUNTS |              \
	 FUSE_HANDLE_KILLPRIV_V2)
// Of "volumes", for a client that has no other session: it need not open files.
#define FILES_VOLUMES_FLAGS                                                 \
	((FILES_INIT_FLAGS & ~FUSE_ATOMIC_O_TRUNC) | FUSE_NO_OPEN_SUPPORT | \
	 FUSE_NO_OPENDIR_SUPPORT | FUSE_CACHE_SYMLINKS)
// Of a FUSE_WRITE or FUSE_READ.
#define FILES_MAX_DATA (256u * 1024)
// Of a request or a reply, in bytes.
#define FILES_MAX_BYTES (260u * 1024)
// A page for the reply's header, and FILES_MAX_DATA bytes with what is beside them in their pages.
#define FILES_LOAN_BYTES (FILES_MAX_DATA + 2u * 4096)
// What is free before a request's bytes in its folio: the provider's, for a header of its own.
#define FILES_HEADROOM 16u

// Where the data of a FUSE_WRITE at this offset begin on a page.
#define FILES_WRITE_OFFSET (4096u - sizeof(struct fuse_in_header) - sizeof(struct fuse_write_in))

// One whole FUSE request or reply: the range [offset, offset + length) of the folio that is the
// message's one handle, or inline as the tail when there is no handle and it fits. The offset of a
// request in a folio is at least FILES_HEADROOM. That of a FUSE_WRITE may be FILES_WRITE_OFFSET, so
// that its data begin on a page and can go to a disk from where they are; a provider relies on
// nothing, and looks.
//
// With a tail as well as a handle, the folio is a loan: the bytes are the tail. A client that lends
// sends a FUSE_READ with a folio of FILES_LOAN_BYTES, whatever is in it, in which the provider may
// put its reply. A provider may give such a client what it has lent, and the folios that its
// requests came in, back with a reply that is inline. Nobody relies on it.
struct msg_files_fuse {
	uint32_t offset;
	uint32_t length;

	// tail: the bytes, unless the handle has them
};

// A session that is to outlive the provider's process. It is the client's first message, before
// FUSE_INIT, and has no answer. `key` is random, not 0 and the session's only. When the channel
// closes, the client connects and opens again, sends the key again, and then all requests that have
// no answer yet, each with the `unique` it had: one that was done before is not done again. The low
// 5 bits of `unique` are the request's slot: a client has one request a slot at a time, and none
// has the `unique` of the one before it. FUSE_INIT is not sent again if it was answered. A provider
// that does not keep sessions, or has none with this key, closes the channel when the first request
// is not FUSE_INIT. Requests without a reply (fuse_is_answered) may be lost with the provider.
struct msg_files_session {
	uint64_t key;
};

#define FILES_MESSAGES(X)                        \
	X(FILES_FUSE, files_fuse, 112, 1, BYTES) \
	X(FILES_SESSION, files_session, 113, 0, NONE)

enum { FILES_MESSAGES(MESSAGE_NUMBER) };
FILES_MESSAGES(MESSAGE_DECODER)
FILES_MESSAGES(MESSAGE_ENCODER)

#define FILES_INLINE_MAX (MESSAGE_MAX_DATA - sizeof(struct msg_files_fuse))
