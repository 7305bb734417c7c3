// SPDX-License-Identifier: MIT
//
// docker save: virtual machines write the files of images (IMAGES_EXPORT), one after the other, and
// what they write is put into one archive for the client. Nothing is kept on the way.
#pragma once

#include <stdbool.h>

struct client;
struct images;
struct request;

// GET /images/NAME/get, or with `is_list` GET /images/get: 404 (an image).
void operation_save(struct request *request, bool is_list);
// `containers` has gone: saves end.
void saves_fail(struct images *images);
// A client of the service is gone.
void saves_drop(struct images *images, const struct client *client);
