// SPDX-License-Identifier: MIT
#include "apps/images/login.h"

#include "libs/base/string.h"
#include "libs/json/json.h"
#include "libs/starina/alloc.h"

#define LOGIN_MAX 8192u

// The value of a digit of base64, of both alphabets (RFC 4648); 64: it is none.
static unsigned digit_of(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26u;
	if (c >= '0' && c <= '9')
		return c - '0' + 52u;
	return c == '-' || c == '+' ? 62 : c == '_' || c == '/' ? 63 : 64;
}

// Decodes into `out`, which has room. Returns whether it was base64.
static bool decode(struct span text, char *out, size_t *len)
{
	uint32_t bits = 0;
	unsigned count = 0;

	*len = 0;
	while (text.len > 0 && text.data[text.len - 1] == '=')
		text.len--;
	for (size_t i = 0; i < text.len; i++) {
		unsigned digit = digit_of(text.data[i]);

		if (digit == 64)
			return false;
		bits = bits << 6 | digit;
		count += 6;
		if (count >= 8) {
			count -= 8;
			out[(*len)++] = (char)(bits >> count);
		}
	}
	return true;
}

// An object on one line.
static bool is_login(const char *text, size_t len)
{
	struct span span = { .data = (const uint8_t *)text, .len = len };
	struct json_reader r = json_reader_make(span);

	if (len == 0 || text[0] != '{' || memchr(text, '\n', len) != NULL)
		return false;
	json_skip(&r);
	return json_at_end(&r);
}

char *login_read(struct span field)
{
	char *text = field.len <= LOGIN_MAX ? heap_alloc(field.len + 4) : NULL;
	size_t len = 2;

	if (text == NULL)
		return NULL;
	memcpy(text, "{}", 2);
	// Clients send an empty object, or nothing at all, when they have no login.
	if (field.len > 0 && (!decode(field, text, &len) || !is_login(text, len))) {
		heap_free(text);
		return NULL;
	}
	text[len] = '\n';
	text[len + 1] = '\0';
	return text;
}
