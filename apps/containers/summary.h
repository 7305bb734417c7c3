// SPDX-License-Identifier: MIT
//
// What a list of containers says of one in few words.
#pragma once

#include "libs/json/json.h"

struct command;
struct container;

// A command in one line, as a JSON string: arguments with blanks are in quotes.
void summary_command(struct json_writer *w, const struct command *command);
// What its image is called: as at its creation, or by its id once that name means another image, or
// none. NULL: not known.
const char *summary_image(const struct container *c);
