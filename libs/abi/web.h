// SPDX-License-Identifier: MIT
//
// The web shell's way from the host (docs/api.md): what starina-run puts at the beginning of the
// boot disk for httpd, behind the engine's secret.
//   web.token   WEB_TOKEN_SIZE random bytes, made at each boot: who knows them, in base64url, may
//               use the API
//   web.tar     the page's files (POSIX ustar); may be missing
#pragma once

#define WEB_TOKEN_FILE "web.token"
#define WEB_TOKEN_SIZE 32u
// In base64url (RFC 4648 5) without padding, with a NUL.
#define WEB_TOKEN_TEXT_SIZE 44u
#define WEB_PAGE_FILE "web.tar"
#define WEB_PAGE_MAX (4ul * 1024 * 1024)
