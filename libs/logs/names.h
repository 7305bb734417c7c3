// SPDX-License-Identifier: MIT
//
// The files of a container's log: a folder, and in it numbers from 1 on.
#pragma once

#include <stdint.h>

#define LOG_FOLDER_MAX 80u
// Of "FOLDER/NUMBER", with a NUL.
#define LOG_PATH_MAX (LOG_FOLDER_MAX + 12)

// The highest number of a file, and of one that is taken to be of the log's. A disk may be
// anybody's: above that there is room for all files that may follow.
#define LOG_NUMBER_MAX 999999999u
#define LOG_NUMBER_TAKEN (LOG_NUMBER_MAX / 2)

// The number that a file's name says; 0: it is none.
uint32_t log_number(const char *name);
// Writes "FOLDER/NUMBER".
void log_path(const char *folder, uint32_t number, char out[static LOG_PATH_MAX]);
