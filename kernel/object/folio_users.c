// SPDX-License-Identifier: MIT
//
// Who has a folio, and so what may be done with it: guests, and more than one handle.
#include "kernel/object/folio.h"

static void count_guest_locked(struct folio *folio)
{
	folio->guests++;
	// What was duplicated has no only handle to stay with, and nobody can write to it.
	if (!folio->read_only)
		store_release(&folio->object.stays, true);
}

static void uncount_guest_locked(struct folio *folio)
{
	// The guest has lost it: that comes before what the next owner does. Pairs with the load of
	// check_handles_locked().
	if (--folio->guests == 0)
		store_release(&folio->object.stays, false);
}

void folio_add_user(struct folio *folio, struct folio_user *user)
{
	spin_lock(&folio->lock);
	list_push_back(&folio->users, &user->entry);
	if (user->lost != NULL)
		count_guest_locked(folio);
	if (folio->lost && user->lost != NULL)
		user->lost(user);
	spin_unlock(&folio->lock);
}

void folio_remove_user(struct folio *folio, struct folio_user *user)
{
	spin_lock(&folio->lock);
	list_remove(&user->entry);
	if (user->lost != NULL)
		uncount_guest_locked(folio);
	spin_unlock(&folio->lock);
}

error_t folio_pin(struct folio *folio, uint32_t prot)
{
	error_t error = 0;

	spin_lock(&folio->lock);
	if (folio->kept || (folio->read_only && (prot & PROT_WRITE) != 0))
		error = ERR_ACCESS;
	else
		count_guest_locked(folio);
	spin_unlock(&folio->lock);
	return error;
}

void folio_unpin(struct folio *folio)
{
	spin_lock(&folio->lock);
	uncount_guest_locked(folio);
	spin_unlock(&folio->lock);
}

error_t folio_make_read_only(struct folio *folio)
{
	error_t error = 0;

	spin_lock(&folio->lock);
	if (folio->guests > 0 && !folio->read_only)
		error = ERR_BAD_STATE;
	else
		folio->read_only = true;
	spin_unlock(&folio->lock);
	return error;
}
