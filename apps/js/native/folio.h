// SPDX-License-Identifier: MIT
//
// Folios in scripts: objects that own one, and an ArrayBuffer over its memory once it is mapped,
// which is detached when the folio is closed or sent.
#pragma once

#include "apps/js/runtime/handle.h"

// Makes the class, so that folios can be received. -1 with an exception pending.
int js_folio_init(JSContext *ctx);
// An object for a folio's handle (consumed, also on failure). Throws: out of memory.
JSValue js_folio_new(JSContext *ctx, handle_t folio);
// A folio of its own with a copy of `bytes`, which are not none. Throws: ERR_NO_MEMORY, ERR_LIMIT,
// ERR_TOO_LARGE.
JSValue js_folio_with(JSContext *ctx, const uint8_t *bytes, size_t len);
