// SPDX-License-Identifier: MIT
//
// What a run does with the volumes of the state disk. All functions that ask the server block.
#pragma once

#include "libs/base/span.h"
#include "libs/files/volume.h"

// Annotations of config.json, which are for us (tools/run/settings): what the user wants of his
// volumes instead of a container; which volumes go with the container, with blanks between them.
#define VOLUME_COMMAND_ANNOTATION "dev.starina.volume"
#define VOLUMES_REMOVE_ANNOTATION "dev.starina.remove"

struct linuxrun;

// An annotation of a config.json, in heap memory; NULL: there is none, or no memory.
char *annotation_read(struct span config, const char *key);
// Takes the next word off `*rest`. false: there is none, or it has `size` bytes or more.
bool volumes_next_word(const char **rest, char *word, size_t size);

// Opens the folder of the volumes, to be closed by folder_close. Errors: as folder_open's.
__must_check error_t volumes_open(struct linuxrun *run, struct folder **out);
// Whether a volume has nothing in it, or is not there.
bool volumes_have_nothing_in(struct linuxrun *run, const char *name);
// Removes what is to go with the container.
void volumes_remove(struct linuxrun *run, const char *names);

// Does what the user wants, says what `docker volume` says, and ends the run.
void volume_command_run(struct linuxrun *run, const char *command);
// More of what it has to say can be taken.
void volume_command_resume(struct linuxrun *run);
