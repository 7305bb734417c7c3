// SPDX-License-Identifier: MIT
#include <sha2.h>
#include <stdlib.h>

#include "tools/image/hash.h"

struct hash {
	SHA2_CTX context;
	bool is_sha512;
};

void *hash_new(bool is_sha512)
{
	struct hash *hash = malloc(sizeof(*hash));

	if (!hash)
		return NULL;
	hash->is_sha512 = is_sha512;
	if (is_sha512)
		SHA512Init(&hash->context);
	else
		SHA256Init(&hash->context);
	return hash;
}

void hash_update(void *context, const void *data, size_t size)
{
	struct hash *hash = context;

	if (hash->is_sha512)
		SHA512Update(&hash->context, data, size);
	else
		SHA256Update(&hash->context, data, size);
}

void hash_finish(void *context, unsigned char value[HASH_SHA512_SIZE])
{
	struct hash *hash = context;

	if (hash->is_sha512)
		SHA512Final(value, &hash->context);
	else
		SHA256Final(value, &hash->context);
}

void hash_free(void *hash)
{
	free(hash);
}
