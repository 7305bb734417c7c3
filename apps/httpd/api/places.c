// SPDX-License-Identifier: MIT
#include "apps/httpd/api/places.h"

#include "apps/httpd/httpd.h"
#include "libs/base/string.h"
#include "libs/starina/log.h"

static struct file_place *place_add(struct file_places *places)
{
	struct file_place *place = &places->all[places->count++];

	list_init(&place->jobs);
	return place;
}

void places_start(struct httpd *httpd)
{
	struct file_places *places = &httpd->places;
	const char *names = environ_config(httpd->env, "shares");

	place_add(places);
	while (names != NULL && *names != '\0') {
		size_t len = 0;
		struct file_place *place;

		while (names[len] != '\0' && names[len] != ',')
			len++;
		if (len == 0 || len > PLACES_SHARE_NAME_MAX ||
		    places->count == 1 + PLACES_SHARES_MAX) {
			log_error("httpd.shares: %s: not the names of at most %u shares", names,
			          PLACES_SHARES_MAX);
			return;
		}
		place = place_add(places);
		memcpy(place->share, names, len);
		names += names[len] == ',' ? len + 1 : len;
	}
}

struct file_place *place_find(struct file_places *places, const char *path, const char **inner)
{
	const char *name = path;
	size_t len = 0;

	while (*name == '/')
		name++;
	if (*name != '@') {
		*inner = path;
		return &places->all[0];
	}
	name++;
	while (name[len] != '\0' && name[len] != '/')
		len++;
	*inner = name[len] == '\0' ? "/" : name + len;
	for (unsigned i = 1; i < places->count; i++) {
		struct file_place *place = &places->all[i];

		if (strlen(place->share) == len && memcmp(place->share, name, len) == 0)
			return place;
	}
	return NULL;
}
