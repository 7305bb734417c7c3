// SPDX-License-Identifier: MIT
//
// An account lives as long as its owner or anything that is charged to it: the owner counts as one
// byte.
#include "kernel/mm/kmalloc.h"
#include "kernel/object/object.h"
#include "libs/base/string.h"

struct account *account_create(const char *name, uint64_t kernel_limit, uint64_t folio_limit)
{
	struct account *account = kmalloc(sizeof(*account));

	if (account == NULL)
		return NULL;
	account->kernel_used = 1;
	account->kernel_limit = kernel_limit;
	account->folio_limit = folio_limit;
	str_copy(account->name, name, sizeof(account->name));
	return account;
}

void account_release(struct account *account)
{
	account_uncharge(account, 1);
}

void account_free(struct account *account)
{
	kfree(account);
}

error_t account_charge_folio(struct account *account, uint64_t bytes)
{
	if (account == NULL)
		return 0;
	if (bytes > account->folio_limit)
		return ERR_LIMIT;
	if (__atomic_add_fetch(&account->folio_used, bytes, __ATOMIC_RELAXED) >
	    account->folio_limit) {
		__atomic_sub_fetch(&account->folio_used, bytes, __ATOMIC_RELAXED);
		return ERR_LIMIT;
	}
	return 0;
}

void account_uncharge_folio(struct account *account, uint64_t bytes)
{
	if (account != NULL)
		__atomic_sub_fetch(&account->folio_used, bytes, __ATOMIC_RELAXED);
}
