// SPDX-License-Identifier: MIT
#include "tools/image/digest.h"

#include <openssl/evp.h>
#include <string.h>

int digest_init(struct digest *digest, struct error *err)
{
	digest->context = EVP_MD_CTX_new();
	if (!digest->context || EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL) != 1) {
		digest_abort(digest);
		return error_set(err, "cannot start a SHA-256 digest");
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
	strcpy(text, "sha256:");
	for (unsigned i = 0; i < 32; i++) {
		text[7 + 2 * i] = digits[value[i] >> 4];
		text[8 + 2 * i] = digits[value[i] & 15];
	}
	text[DIGEST_TEXT_SIZE - 1] = '\0';
	digest_abort(digest);
}

void digest_abort(struct digest *digest)
{
	EVP_MD_CTX_free(digest->context);
	digest->context = NULL;
}

int digest_of(const void *data, size_t size, char text[DIGEST_TEXT_SIZE], struct error *err)
{
	struct digest digest = { 0 };

	if (digest_init(&digest, err) < 0)
		return -1;
	digest_update(&digest, data, size);
	digest_finish(&digest, text);
	return 0;
}

bool digest_is_valid(const char *text)
{
	return strncmp(text, "sha256:", 7) == 0 && strlen(text) == DIGEST_TEXT_SIZE - 1 &&
		strspn(text + 7, "0123456789abcdef") == 64;
}
