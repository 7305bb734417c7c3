// SPDX-License-Identifier: MIT
#include <openssl/evp.h>

#include "tools/image/hash.h"

void *hash_new(bool is_sha512)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	if (context && EVP_DigestInit_ex(context, is_sha512 ? EVP_sha512() : EVP_sha256(), NULL))
		return context;
	EVP_MD_CTX_free(context);
	return NULL;
}

void hash_update(void *hash, const void *data, size_t size)
{
	EVP_DigestUpdate(hash, data, size);
}

void hash_finish(void *hash, unsigned char value[HASH_SHA512_SIZE])
{
	EVP_DigestFinal_ex(hash, value, NULL);
}

void hash_free(void *hash)
{
	EVP_MD_CTX_free(hash);
}
