// SPDX-License-Identifier: MIT
//
// Between the files of the volumes' routes: volumes.c (requests), volumes_content.c (bytes of
// files that are read) and volumes_write.c (files that are written).
#pragma once

#include "apps/httpd/api/api.h"

#define VOLUME_PATH_BYTES 2048u
// Of a path in the same folder, to a new file.
#define VOLUME_BESIDE_BYTES (VOLUME_PATH_BYTES + 32u)
// Of a file that is written.
#define VOLUME_FILE_MAX (8u * 1024 * 1024)

struct volume_job {
	struct api_job job;
	struct list entry;  // of httpd's
	void (*start)(struct volume_job *v);
	char path[VOLUME_PATH_BYTES];
	struct file_place *place;  // of the path; NULL: not known yet
	const char *inner;         // the path in it
	// Of a list.
	struct json_writer w;
	uint32_t num_entries;
	// Of a file's bytes.
	struct file *file;
	bool started;  // the answer
	bool reading;
	uint64_t offset;
	uint64_t left;
	// Of a file that is written.
	char beside[VOLUME_BESIDE_BYTES];  // the new file's path until it is in place, or ""
	bool replaces;                     // `old`
	struct file_info old;
};

// What is asked for has been done, or not: answers with 204 or the error.
void volume_done(void *context, error_t error);
// Answers with an error, or gives up when the answer has begun.
void volume_refuse(struct volume_job *v, error_t error);

// --- volumes_content.c ---

// Answers with the bytes of the file at the job's path, as an attachment.
void volume_read(struct volume_job *v);
// The answer's next bytes.
void volume_read_on(struct volume_job *v);

// --- volumes_write.c ---

// Makes the request's body the file's content.
void volume_write(struct volume_job *v);
// The request is over: what is left of a new file that is not in place goes.
void volume_write_gone(struct volume_job *v);
