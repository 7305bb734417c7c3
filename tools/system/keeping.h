// SPDX-License-Identifier: MIT
//
// A layer that comes from elsewhere than a registry, and is kept as it is read: what its digest is
// shows at its end.
#pragma once

#include "tools/image/digest.h"
#include "tools/image/tree/layer.h"
#include "tools/system/kept.h"

struct keeping {
	struct layer_source source;  // to be read in place of `from`
	struct layer_source *from;
	struct kept *kept;
	struct kept_file file;
	struct digest digest;
};

// Begins; `from` and `kept` must stay. -1 with `err`. Released by keeping_end().
int keeping_begin(struct keeping *keeping, struct layer_source *from, struct kept *kept,
                  struct error *err);
// Ends: if all of it was read well (`is_whole`), `digest` is what its bytes have, and
// kept_put_named() gives it to the OS; else "".
void keeping_end(struct keeping *keeping, bool is_whole, char digest[DIGEST_TEXT_SIZE]);
