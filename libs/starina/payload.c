// SPDX-License-Identifier: MIT
#include "libs/starina/payload.h"

#include "libs/base/string.h"
#include "libs/starina/syscall.h"

static error_t open_folio(handle_t folio, uint32_t offset, uint32_t length, uint32_t prot,
                          struct payload *out)
{
	struct folio_info info;
	void *base;
	error_t err;

	err = folio_info(folio, &info);
	if (err != 0)
		goto out_close;
	if (!range_within(offset, length, info.size)) {
		err = ERR_PROTOCOL;
		goto out_close;
	}
	err = folio_map(folio, prot, &base);
	if (err != 0)
		goto out_close;
	*out = (struct payload){
		.bytes = { .data = (const uint8_t *)base + offset, .len = length },
		.folio = folio,
	};
	return 0;

out_close:
	handle_close(folio);
	return err;
}

error_t payload_open_folio(handle_t folio, uint32_t offset, uint32_t length, struct payload *out)
{
	return open_folio(folio, offset, length, PROT_READ, out);
}

error_t payload_open_writable(handle_t folio, uint32_t offset, uint32_t length, struct payload *out)
{
	return open_folio(folio, offset, length, PROT_READ | PROT_WRITE, out);
}

error_t payload_open(struct message *m, struct payload *out)
{
	struct msg_data data;
	const uint8_t *tail;
	size_t tail_len;
	handle_t folio;

	if (message_decode_data(m, &data, &tail, &tail_len) != 0) {
		message_discard(m);
		return ERR_PROTOCOL;
	}
	if (m->num_handles == 0) {
		*out = (struct payload){ .bytes = { .data = tail, .len = tail_len },
			                 .folio = HANDLE_NONE };
		return 0;
	}
	folio = m->handles[0];
	m->handles[0] = HANDLE_NONE;
	m->num_handles = 0;
	return payload_open_folio(folio, data.offset, data.length, out);
}

void payload_release(struct payload *p)
{
	if (p->folio != HANDLE_NONE)
		handle_close(p->folio);
	*p = (struct payload){ 0 };
}

error_t payload_copy(const void *bytes, size_t len, handle_t *out)
{
	void *base;
	error_t err;

	if (len <= FOLIO_MAX_COPIED)
		return folio_create_with(bytes, len, out);
	err = folio_create(len, FOLIO_CONTIGUOUS, out);
	if (err != 0)
		return err;
	err = folio_map(*out, PROT_READ | PROT_WRITE, &base);
	if (err != 0)
		handle_close(*out);
	else
		memcpy(base, bytes, len);
	return err;
}

error_t payload_make(struct message *m, const void *bytes, size_t len)
{
	struct msg_data data = { .length = (uint32_t)len };
	handle_t folio;
	error_t err;

	if (len <= MSG_DATA_INLINE_MAX)
		return message_encode_data(m, &data, bytes, len);
	if (len > FOLIO_MAX_CONTIGUOUS)
		return ERR_TOO_LARGE;
	err = payload_copy(bytes, len, &folio);
	if (err != 0)
		return err;
	err = message_encode_data(m, &data, NULL, 0);
	if (err != 0) {
		handle_close(folio);
		return err;
	}
	m->handles[0] = folio;
	m->num_handles = 1;
	return 0;
}

void message_discard(struct message *m)
{
	for (size_t i = 0; i < m->num_handles && i < MESSAGE_MAX_HANDLES; i++) {
		if (m->handles[i] != HANDLE_NONE)
			handle_close(m->handles[i]);
		m->handles[i] = HANDLE_NONE;
	}
	m->num_handles = 0;
}
