// SPDX-License-Identifier: MIT
//
// The volumes of the state disk, those of `./run.sh volume ls`: folders, and what is said of them
// besides, which lies in a file of this app's own folder (volumes.json). All functions that ask the
// server of volumes block.
#pragma once

#include "apps/containers/settings_volume.h"
#include "libs/abi/error.h"
#include "libs/abi/time.h"
#include "libs/base/list.h"
#include "libs/base/span.h"
#include "libs/json/json.h"

struct containers;

struct volume {
	struct list entry;
	char *name;                     // heap
	char *labels;                   // heap, JSON; NULL: none
	char *options;                  // of its driver, likewise
	struct volume_backing backing;  // what these say
	nsec_t created_at;              // CLOCK_WALL
	bool is_there;                  // in a listing that goes on
};

// Nothing is known of any. Errors: as timer_create's and loop_add's.
__must_check error_t volumes_init(struct containers *all);
// Reads what is said of them, and goes on with removals that were not whole. Blocks.
void volumes_read(struct containers *all);
// Makes a volume, unless it is there; `labels` and `options` (JSON, or NULL) are a new one's. One
// that is none of the state disk has an empty folder there all the same. Errors: ERR_NOT_FOUND
// (there is no state disk), as folder_make_folder's and store_put's, ERR_NO_MEMORY, ERR_INVALID
// (the options); it is not there then.
__must_check error_t volumes_make(struct containers *all, const char *name, const char *labels,
                                  const char *options);
// Whether a volume has nothing in it.
bool volumes_are_empty(struct containers *all, const char *name);
// Removes it, whoever has it. What is in a large one goes by and by. Errors: as volume_remove's.
__must_check error_t volumes_remove(struct containers *all, const char *name);
// Looks which there are (all->volumes). Errors: as volumes_make's.
__must_check error_t volumes_refresh(struct containers *all);
// The one of that name, or NULL.
struct volume *volumes_find(struct containers *all, const char *name);
// Bytes of the disk that are free; 0 when that is not known.
uint64_t volumes_space(struct containers *all);

// Writes the file's text, and reads it into `list` (of struct volume). What is no such text makes
// the reader bad.
void volumes_write_text(struct json_writer *w, const struct list *list);
void volumes_read_text(struct json_reader *r, struct list *list);
void volume_free(struct volume *volume);
