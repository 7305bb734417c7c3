// SPDX-License-Identifier: MIT
#include "apps/httpd/api/api.h"
#include "libs/base/base64.h"
#include "libs/base/hex.h"
#include "libs/base/string.h"
#include "libs/http/sha1.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

enum { FILE_SECRET, FILE_TOKEN, FILE_PAGE };

// Of this boot, whoever of httpd's instances tells it; the token cannot be told from it.
static void boot_id_make(struct httpd *httpd, const uint8_t token[WEB_TOKEN_SIZE])
{
	static const char name[] = "boot id";
	uint8_t text[sizeof(name) + WEB_TOKEN_SIZE], hash[SHA1_SIZE];

	memcpy(text, name, sizeof(name));
	memcpy(text + sizeof(name), token, WEB_TOKEN_SIZE);
	sha1((struct span){ .data = text, .len = sizeof(text) }, hash);
	hex_write(hash, BOOT_ID_BYTES, httpd->boot_id);
}

static void token_take(struct httpd *httpd)
{
	uint8_t token[WEB_TOKEN_SIZE];
	error_t err = boot_file_take(&httpd->wanted[FILE_TOKEN], token, sizeof(token));

	httpd->token_state = err == 0 ? TOKEN_KNOWN : TOKEN_NONE;
	if (err != 0)
		return;
	base64url_encode((struct span){ .data = token, .len = sizeof(token) }, httpd->token);
	boot_id_make(httpd, token);
}

static void page_take(struct httpd *httpd)
{
	struct boot_wanted *file = &httpd->wanted[FILE_PAGE];
	void *base;
	error_t err;

	if (file->folio == HANDLE_NONE)
		return;
	err = folio_map(file->folio, PROT_READ, &base);
	if (err == 0)
		err = page_read(&httpd->page,
		                (struct span){ .data = base, .len = (size_t)file->size });
	httpd->page.folio = file->folio;
	if (err == 0)
		return;
	log_error("the page of the boot disk (" WEB_PAGE_FILE ") cannot be served: %s",
	          error_text(err));
	httpd->page.count = 0;
}

static void files_were_read(void *context, error_t error)
{
	struct httpd *httpd = context;

	if (error != 0)
		log_debug("the boot disk has no web shell: %s", error_text(error));
	httpd->has_engine = boot_file_take(&httpd->wanted[FILE_SECRET], httpd->engine_secret,
	                                   sizeof(httpd->engine_secret)) == 0;
	token_take(httpd);
	page_take(httpd);
	held_release(httpd);
}

void api_start(struct httpd *httpd)
{
	handle_t disks = environ_connector(httpd->env, "blkdev"), way;

	apps_client_start(httpd);
	commands_client_start(httpd);
	network_start(httpd);
	disks_start(httpd);
	places_start(httpd);
	// The way to the disks that is closed once all was read is not that of GET disks, which is
	// found again when their driver starts anew.
	if (disks == HANDLE_NONE || handle_duplicate(disks, RIGHTS_SAME, &way) != 0) {
		httpd->token_state = TOKEN_NONE;
		held_release(httpd);
		return;
	}
	httpd->wanted[FILE_SECRET] =
		(struct boot_wanted){ .name = ENGINE_SECRET_FILE, .max = ENGINE_SECRET_SIZE };
	httpd->wanted[FILE_TOKEN] =
		(struct boot_wanted){ .name = WEB_TOKEN_FILE, .max = WEB_TOKEN_SIZE };
	httpd->wanted[FILE_PAGE] =
		(struct boot_wanted){ .name = WEB_PAGE_FILE, .max = WEB_PAGE_MAX };
	boot_files_read(&httpd->boot, &httpd->loop, way, httpd->wanted, 3, files_were_read, httpd);
}
