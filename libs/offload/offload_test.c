// SPDX-License-Identifier: MIT
#include "libs/offload/offload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TCP 6u
#define UDP 17u

static uint8_t bytes[NETDEV_GSO_MAX];
static struct msg_netdev_frame meta;

// --- A stack of our own, word by word ---

static uint32_t add16(uint32_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static uint32_t pseudo_header(const uint8_t *frame, bool v6, uint8_t protocol, size_t len)
{
	uint8_t rest[4] = { 0, protocol, (uint8_t)(len >> 8), (uint8_t)len };

	return add16(add16(0, frame + 14 + (v6 ? 8 : 12), v6 ? 32 : 8), rest, 4);
}

static void put16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint32_t get16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

// A frame with an IP header (`ip_options` words of options) and a transport header, its checksum
// left to others.
static void make(bool v6, uint8_t protocol, size_t ip_options, size_t tcp_options, size_t payload)
{
	size_t transport = 14 + (v6 ? 40 : 20 + ip_options * 4);
	size_t header = protocol == TCP ? 20 + tcp_options * 4 : 8;
	size_t len = transport + header + payload;

	assert_true(len <= sizeof(bytes));
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 256);
	bytes[0] &= 0xfe;
	put16(bytes + 12, v6 ? 0x86dd : 0x0800);
	if (v6) {
		bytes[14] = 0x60;
		put16(bytes + 18, header + payload);
		bytes[20] = protocol;
	} else {
		bytes[14] = (uint8_t)(0x45 + ip_options);
		put16(bytes + 16, len - 14);
		put16(bytes + 18, 0xfffe);  // the id, which wraps around
		put16(bytes + 20, 0x4000);  // don't fragment
		bytes[23] = protocol;
	}
	if (protocol == TCP) {
		// the sequence number too
		bytes[transport + 4] = bytes[transport + 5] = bytes[transport + 6] = 0xff;
		bytes[transport + 12] = (uint8_t)((5 + tcp_options) << 4);
		bytes[transport + 13] = 0x01 | 0x08 | 0x10 | 0x80;  // FIN PSH ACK CWR
	} else {
		put16(bytes + transport + 4, header + payload);
	}
	meta = (struct msg_netdev_frame){ .length = (uint32_t)len,
		                          .flags = NETDEV_FRAME_NEEDS_CSUM,
		                          .csum_start = (uint16_t)transport,
		                          .csum_offset = protocol == TCP ? 16 : 6 };
	put16(bytes + transport + meta.csum_offset,
	      pseudo_header(bytes, v6, protocol, header + payload));
}

static void make_large(bool v6, size_t ip_options, size_t tcp_options, size_t payload,
                       uint16_t gso_size)
{
	make(v6, TCP, ip_options, tcp_options, payload);
	meta.flags |= v6 ? NETDEV_FRAME_GSO_TCP6 : NETDEV_FRAME_GSO_TCP4;
	meta.gso_size = gso_size;
}

static bool fits(void)
{
	size_t len = meta.length < OFFLOAD_HEADERS_MAX ? meta.length : OFFLOAD_HEADERS_MAX;
	uint8_t *copy = malloc(len);
	bool fit;

	memcpy(copy, bytes, len);
	fit = offload_fits(&meta, (struct span){ .data = copy, .len = len });
	free(copy);
	return fit;
}

static void check_checksum(const uint8_t *frame, size_t len, size_t transport, uint8_t protocol)
{
	bool v6 = frame[12] == 0x86;
	uint32_t sum = pseudo_header(frame, v6, protocol, len - transport);

	assert_int_equal(add16(sum, frame + transport, len - transport), 0xffff);
	if (!v6)
		assert_int_equal(add16(0, frame + 14, transport - 14), 0xffff);
}

static void checksums(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++) {
		bool v6 = i & 1;
		uint8_t protocol = i & 2 ? TCP : UDP;

		make(v6, protocol, 0, 0, i & 4 ? 1001 : 0);
		assert_true(fits());
		offload_fill_checksum(&meta,
		                      (struct mut_span){ .data = bytes, .len = meta.length });
		if (!v6)  // not this function's
			put16(bytes + 24, 0), put16(bytes + 24, ~add16(0, bytes + 14, 20) & 0xffff);
		check_checksum(bytes, meta.length, meta.csum_start, protocol);
	}
}

// A UDP checksum that comes out as zero is sent as all ones: zero means none.
static void udp_zero(void **state)
{
	uint32_t sum;

	(void)state;
	make(false, UDP, 0, 0, 2);
	put16(bytes + meta.length - 2, 0);
	sum = add16(0, bytes + meta.csum_start, meta.length - meta.csum_start);
	put16(bytes + meta.length - 2, 0xffff - sum);
	offload_fill_checksum(&meta, (struct mut_span){ .data = bytes, .len = meta.length });
	assert_int_equal(get16(bytes + meta.csum_start + 6), 0xffff);
}

static void does_not_fit(void **state)
{
	(void)state;
	make(false, TCP, 0, 0, 100);
	meta.csum_offset = 17;
	assert_false(fits());
	make(false, TCP, 0, 0, 100);
	meta.csum_start = 14;
	assert_false(fits());
	make(false, TCP, 0, 0, 100);
	meta.flags = NETDEV_FRAME_GSO_TCP4;  // without the checksum
	assert_false(fits());
	make(false, 1, 0, 0, 100);
	assert_false(fits());
	make(false, TCP, 0, 0, 100);
	put16(bytes + 20, 0x2000);  // a first fragment
	assert_false(fits());
	put16(bytes + 20, 5);
	assert_false(fits());
	make(false, TCP, 0, 0, 100);
	put16(bytes + 16, 119);  // shorter than the frame
	assert_false(fits());
	make(false, TCP, 0, 0, 100);
	bytes[14] = 0x44;
	assert_false(fits());
	make(true, TCP, 0, 0, 100);
	bytes[20] = 44;  // behind an extension header
	assert_false(fits());
	make(false, UDP, 0, 0, 0);
	meta.length = 30;
	put16(bytes + 16, 16);
	assert_false(fits());
}

static void large_that_do_not_fit(void **state)
{
	(void)state;
	make_large(false, 0, 0, 5000, 1460);
	assert_true(fits());
	meta.gso_size = 0;
	assert_false(fits());
	meta.gso_size = OFFLOAD_SEGMENT_MIN - 1;
	assert_false(fits());
	make_large(false, 0, 0, 5000, 1460);
	meta.flags |= NETDEV_FRAME_GSO_TCP6;
	assert_false(fits());
	meta.flags &= (uint16_t)~NETDEV_FRAME_GSO_TCP4;
	assert_false(fits());
	make_large(false, 0, 0, 5000, 1460);
	bytes[34 + 12] = 0x40;  // a TCP header shorter than one
	assert_false(fits());
	make_large(false, 0, 0, 10, 1460);
	bytes[34 + 12] = 0xf0;  // and one that is longer than the frame
	assert_false(fits());
	make_large(false, 0, 0, 0, 1460);  // nothing to cut
	assert_false(fits());
	make_large(false, 0, 0, 5000, 1460);
	bytes[0] |= 1;  // to many
	assert_false(fits());
	make(false, UDP, 0, 0, 5000);
	meta.flags |= NETDEV_FRAME_GSO_TCP4;
	meta.gso_size = 1400;
	assert_false(fits());
}

static void check_segments(size_t payload, bool v6)
{
	struct span whole = { .data = bytes, .len = meta.length };
	size_t header = meta.length - payload, done = 0, n = 0, len;
	struct segmenter s;

	assert_true(fits());
	segmenter_init(&s, &meta,
	               (struct span){ .data = bytes, .len = meta.length < 134 ? meta.length : 134 },
	               whole);
	assert_int_equal(s.count, (payload + meta.gso_size - 1) / meta.gso_size);
	while ((len = segmenter_next_len(&s)) > 0) {
		uint8_t *out = malloc(len);
		const uint8_t *tcp = out + meta.csum_start;
		bool last = n + 1 == s.count;

		segmenter_write(&s, (struct mut_span){ .data = out, .len = len });
		assert_true(len <= header + meta.gso_size &&
		            (last || len == header + meta.gso_size));
		assert_memory_equal(out + header, bytes + header + done, len - header);
		check_checksum(out, len, meta.csum_start, TCP);
		if (v6)
			assert_int_equal(get16(out + 18), len - 54);
		else
			assert_int_equal(get16(out + 16), len - 14);
		if (!v6)
			assert_int_equal(get16(out + 18), (0xfffe + n) & 0xffff);
		assert_int_equal(get16(tcp + 4) << 16 | get16(tcp + 6),
		                 (uint32_t)((0xffffff00u | bytes[meta.csum_start + 7]) + done));
		assert_int_equal(tcp[13], (last ? 0x09 : 0) | 0x10 | (n == 0 ? 0x80 : 0));
		free(out);
		done += len - header;
		n++;
	}
	assert_int_equal(done, payload);
	assert_int_equal(n, s.count);
}

static void segments(void **state)
{
	static const size_t payloads[] = { 1, 63, 64, 65, 1447, 1448, 1449, 20000, 65000 };
	static const uint16_t sizes[] = { 64, 536, 1448, 65535 };

	(void)state;
	for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]) * 4; i++) {
		size_t payload = payloads[i / 4];
		uint16_t size = sizes[i % 4];

		make_large(false, 0, 0, payload, size);
		check_segments(payload, false);
		make_large(false, 10, 10, payload, size);
		check_segments(payload, false);
		make_large(true, 0, 3, payload, size);
		check_segments(payload, true);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checksums),    cmocka_unit_test(udp_zero),
		cmocka_unit_test(does_not_fit), cmocka_unit_test(large_that_do_not_fit),
		cmocka_unit_test(segments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
