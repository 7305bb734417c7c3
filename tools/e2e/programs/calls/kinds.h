// SPDX-License-Identifier: MIT
//
// The kinds of things that a name may be.
#pragma once

extern const char *const kinds[10];

// Makes PATH of a kind. What a link leads to is PATH.to.
void kind_make(const char *kind, const char *path);
// Removes it, with what it led to, and what a call made of "nowhere", where a dangling link leads.
void kind_remove(const char *path);
