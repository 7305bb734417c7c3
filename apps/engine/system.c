// SPDX-License-Identifier: MIT
//
// What a client asks first: whether there is an engine, and which.
#include "apps/engine/engine.h"
#include "libs/base/string.h"
#include "libs/json/json.h"
#include "libs/starina/alloc.h"

// Without Builder-Version clients take the classic builder, and not BuildKit.
void ping_serve(struct http_exchange *exchange)
{
	static const char fields[] = "Cache-Control: no-cache, no-store, must-revalidate\r\n"
				     "Pragma: no-cache\r\n"
				     "Swarm: inactive\r\n";

	reply(exchange, 200, fields, "text/plain; charset=utf-8",
	      (struct span){ .data = (const uint8_t *)"OK", .len = 2 });
}

void version_serve(struct http_exchange *exchange)
{
	static const char version[] =
		"{\"Platform\":{\"Name\":\"Starina\"},\"Components\":[{\"Name\":\"Engine\","
		"\"Version\":\"" ENGINE_VERSION "\",\"Details\":{\"ApiVersion\":\"" API_VERSION
		"\",\"Arch\":\"riscv64\",\"BuildTime\":\"\",\"Experimental\":\"false\","
		"\"GitCommit\":\"\",\"GoVersion\":\"\",\"KernelVersion\":\"\","
		"\"MinAPIVersion\":\"" API_VERSION_MIN "\",\"Os\":\"linux\"}}],"
		"\"Version\":\"" ENGINE_VERSION "\",\"ApiVersion\":\"" API_VERSION
		"\",\"MinAPIVersion\":\"" API_VERSION_MIN "\",\"GitCommit\":\"\","
		"\"GoVersion\":\"\",\"Os\":\"linux\",\"Arch\":\"riscv64\","
		"\"KernelVersion\":\"\",\"BuildTime\":\"\"}\n";

	reply_json(exchange, 200,
	           (struct span){ .data = (const uint8_t *)version, .len = sizeof(version) - 1 });
}

// --- POST /auth ----------------------------------------------------------------------------------

// Whether a body names a user, or has a token.
static bool has_login(struct span body)
{
	struct json_reader r = json_reader_make(body);
	bool found = false;
	struct span key;

	json_enter_object(&r);
	while (json_next_member(&r, &key)) {
		bool is_name = (key.len == 8 && memcmp(key.data, "username", 8) == 0) ||
			(key.len == 13 && memcmp(key.data, "identitytoken", 13) == 0);
		char *text = NULL;

		if (!is_name || json_take_null(&r)) {
			json_skip(&r);
			continue;
		}
		text = json_take_string(&r);
		found = found || (text != NULL && text[0] != '\0');
		heap_free(text);
	}
	return found && json_at_end(&r);
}

// No registry is asked here: a pull takes the credentials along, and says whether they are good.
void login_serve(struct http_exchange *exchange, struct span body)
{
	static const char kept[] =
		"{\"Status\":\"The credentials are not checked now: the next pull tries "
		"them\",\"IdentityToken\":\"\"}\n";

	if (has_login(body))
		reply_json(exchange, 200,
		           (struct span){ .data = (const uint8_t *)kept, .len = sizeof(kept) - 1 });
	else
		reply_error(exchange, 400, "a login is a JSON object with username and password");
}
