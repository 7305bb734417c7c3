// SPDX-License-Identifier: MIT
//
// POST /images/prune: which images nobody needs.
#include "apps/images/removal.h"
#include "libs/filters/filters.h"
#include "libs/starina/alloc.h"
#include "libs/starina/syscall.h"

// What a prune is of.
struct prune {
	struct filters filters;
	bool all;  // also images with names
	nsec_t until;
};

// Errors: ERR_INVALID, ERR_NO_MEMORY, with a text.
static error_t read_prune(struct request *request, struct prune *prune,
                          char error[static FILTERS_ERROR_MAX])
{
	static const char *const known[] = { "dangling", "until", "label", "label!", NULL };
	char *text = query_take(request, "filters");
	bool dangling = true;
	nsec_t now = 0;
	error_t err = filters_parse(&prune->filters, text, known, error);

	if (err == 0)
		err = filters_switch(&prune->filters, "dangling", true, &dangling, error);
	if (err == 0)
		err = clock_get(CLOCK_WALL, &now);
	if (err == 0)
		err = filters_until(&prune->filters, now, &prune->until, error);
	prune->all = !dangling;
	heap_free(text);
	return err;
}

// Whether an image is one of those. One whose record cannot be read is not.
static bool is_pruned(const struct images *images, const struct image_entry *image,
                      const struct prune *prune)
{
	struct record record;
	char *labels;
	bool fits;

	if (!image->is_stored ||
	    (!prune->all &&
	     (image_has_name(images, image) || image_child(images, image, NULL) != NULL)))
		return false;
	if (prune->until == NSEC_NEVER && filters_value(&prune->filters, "label", 0) == NULL &&
	    filters_value(&prune->filters, "label!", 0) == NULL)
		return true;
	if (image_record(image, &record) < 0)
		return false;
	labels = record_text(record_member(record.config, "Labels"));
	fits = record_time(record.created) < prune->until &&
		filters_has_labels(&prune->filters, "label", labels) &&
		filters_lacks_labels(&prune->filters, "label!", labels);
	heap_free(labels);
	return fits;
}

void operation_prune(struct request *request)
{
	struct images *images = request->images;
	struct removal *removal = removal_begin(request);
	char error[FILTERS_ERROR_MAX] = "out of memory";
	struct prune prune = { 0 };
	error_t err;

	if (removal == NULL)
		return;
	removal->is_prune = true;
	err = read_prune(request, &prune, error);
	removal->all = prune.all;
	if (err < 0) {
		filters_deinit(&prune.filters);
		request_refuse(request, err == ERR_NO_MEMORY ? 500 : 400, "%s", error);
		removal_free(removal);
		return;
	}
	list_for_each(entry, &images->images) {
		const struct image_entry *image = container_of(entry, struct image_entry, entry);

		if (is_pruned(images, image, &prune) &&
		    string_list_add(&removal->ids, image->id) < 0)
			removal->answer.bad = true;
	}
	filters_deinit(&prune.filters);
	removal_advance(images, removal);
}
