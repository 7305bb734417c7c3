// SPDX-License-Identifier: MIT
#include "libs/ext4/walk.h"

#include "libs/ext4/internal.h"

struct walk *walk_find(struct ext4 *fs, enum walk_kind kind, uint32_t subject, uint64_t other)
{
	struct walks *walks = &fs->super.walks;

	for (uint32_t i = 0; i < NUM_WALKS; i++) {
		struct walk *w = &walks->walks[i];

		if (w->kind != kind || w->subject != subject || w->other != other)
			continue;
		w->last_use = ++walks->uses;
		return w;
	}
	return NULL;
}

void walk_note(struct ext4 *fs, enum walk_kind kind, uint32_t subject, uint64_t other, uint32_t at,
               uint32_t steps)
{
	struct walks *walks = &fs->super.walks;
	struct walk *w = walk_find(fs, kind, subject, other);

	if (w == NULL) {
		w = &walks->walks[0];
		for (uint32_t i = 1; i < NUM_WALKS; i++)
			if (walks->walks[i].last_use < w->last_use)
				w = &walks->walks[i];
	}
	*w = (struct walk){ .kind = kind,
		            .subject = subject,
		            .other = other,
		            .at = at,
		            .steps = steps,
		            .last_use = ++walks->uses };
}

static void forget(struct walk *w)
{
	*w = (struct walk){ .kind = WALK_NONE };
}

void walk_names_changed(struct ext4 *fs, uint32_t dir)
{
	for (uint32_t i = 0; i < NUM_WALKS; i++) {
		struct walk *w = &fs->super.walks.walks[i];

		if ((w->kind == WALK_EMPTY || w->kind == WALK_LIST) && w->subject == dir)
			forget(w);
	}
}

void walk_tree_changed(struct ext4 *fs)
{
	for (uint32_t i = 0; i < NUM_WALKS; i++)
		if (fs->super.walks.walks[i].kind == WALK_OUTSIDE)
			forget(&fs->super.walks.walks[i]);
}
