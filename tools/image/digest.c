// SPDX-License-Identifier: MIT
#include "tools/image/digest.h"

#include <string.h>

#include "tools/image/hash.h"

#define ALGORITHM_LENGTH 7  // "sha256:", "sha512:"

static bool is_sha512(const char *text)
{
	return text && strncmp(text, "sha512:", ALGORITHM_LENGTH) == 0;
}

int digest_init(struct digest *digest, const char *like, struct error *err)
{
	digest->size = is_sha512(like) ? HASH_SHA512_SIZE : HASH_SHA256_SIZE;
	digest->hash = hash_new(is_sha512(like));
	return digest->hash ? 0 : error_set(err, "cannot start a digest");
}

void digest_update(struct digest *digest, const void *data, size_t size)
{
	hash_update(digest->hash, data, size);
}

void digest_finish(struct digest *digest, char text[DIGEST_TEXT_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char value[HASH_SHA512_SIZE] = { 0 };

	hash_finish(digest->hash, value);
	strcpy(text, digest->size == HASH_SHA512_SIZE ? "sha512:" : "sha256:");
	for (unsigned i = 0; i < digest->size; i++) {
		text[ALGORITHM_LENGTH + 2 * i] = digits[value[i] >> 4];
		text[ALGORITHM_LENGTH + 1 + 2 * i] = digits[value[i] & 15];
	}
	text[ALGORITHM_LENGTH + 2 * (size_t)digest->size] = '\0';
	digest_abort(digest);
}

void digest_abort(struct digest *digest)
{
	hash_free(digest->hash);
	digest->hash = NULL;
}

static int digest_like(const void *data, size_t size, const char *like, char text[DIGEST_TEXT_SIZE],
                       struct error *err)
{
	struct digest digest = { 0 };

	if (digest_init(&digest, like, err) < 0)
		return -1;
	digest_update(&digest, data, size);
	digest_finish(&digest, text);
	return 0;
}

int digest_of(const void *data, size_t size, char text[DIGEST_TEXT_SIZE], struct error *err)
{
	return digest_like(data, size, NULL, text, err);
}

bool digest_matches(const void *data, size_t size, const char *expected, struct error *err)
{
	char actual[DIGEST_TEXT_SIZE];

	if (digest_like(data, size, expected, actual, err) < 0)
		return false;
	if (strcmp(expected, actual) == 0)
		return true;
	error_set(err, "the blob %s has the digest %s", expected, actual);
	return false;
}
