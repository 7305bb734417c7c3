// SPDX-License-Identifier: MIT
#include "tools/image/digest.h"

#include <openssl/evp.h>
#include <string.h>

#define ALGORITHM_LENGTH 7  // "sha256:", "sha512:"
#define SHA512_SIZE 64

static bool is_sha512(const char *text)
{
	return text && strncmp(text, "sha512:", ALGORITHM_LENGTH) == 0;
}

int digest_init(struct digest *digest, const char *like, struct error *err)
{
	const EVP_MD *type = is_sha512(like) ? EVP_sha512() : EVP_sha256();

	digest->size = is_sha512(like) ? SHA512_SIZE : SHA512_SIZE / 2;
	digest->context = EVP_MD_CTX_new();
	if (!digest->context || EVP_DigestInit_ex(digest->context, type, NULL) != 1) {
		digest_abort(digest);
		return error_set(err, "cannot start a digest");
	}
	return 0;
}

void digest_update(struct digest *digest, const void *data, size_t size)
{
	EVP_DigestUpdate(digest->context, data, size);
}

void digest_finish(struct digest *digest, char text[DIGEST_TEXT_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char value[EVP_MAX_MD_SIZE] = { 0 };
	unsigned length = 0;

	EVP_DigestFinal_ex(digest->context, value, &length);
	strcpy(text, digest->size == SHA512_SIZE ? "sha512:" : "sha256:");
	for (unsigned i = 0; i < digest->size; i++) {
		text[ALGORITHM_LENGTH + 2 * i] = digits[value[i] >> 4];
		text[ALGORITHM_LENGTH + 1 + 2 * i] = digits[value[i] & 15];
	}
	text[ALGORITHM_LENGTH + 2 * (size_t)digest->size] = '\0';
	digest_abort(digest);
}

void digest_abort(struct digest *digest)
{
	EVP_MD_CTX_free(digest->context);
	digest->context = NULL;
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
