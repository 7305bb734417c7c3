// SPDX-License-Identifier: MIT
//
// Segments are gathered into large frames, and the switch's segmentation gives them back as they
// were.
#include "apps/tcpip/gather.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "libs/offload/offload.h"
#include "apps/tcpip/frame_tx.h"
#include "libs/base/checksum.h"
#include "libs/starina/host_kernel.h"
#include "lwip/init.h"

u32_t sys_now(void);
u32_t sys_now(void)
{
	return 0;
}

uint32_t lwip_port_random(void)
{
	return 4;
}

u16_t lwip_port_ooseq_limit(const struct tcp_pcb *pcb)
{
	(void)pcb;
	return 256;
}

void lwip_port_assert_failed(const char *text, const char *file, int line)
{
	fail_msg("%s:%d: %s", file, line, text);
	abort();
}

#define SEQUENCE 0xfffff000u

static struct gather gather;
static uint8_t frames[64][1534];
static size_t lens[64];

static void put16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

// The `i`th segment of a connection, `payload` bytes from `seq` on, as lwIP gives it; for a port of
// the switch.
static struct pbuf *segment(size_t i, bool v6, uint32_t seq, size_t payload)
{
	size_t tcp = v6 ? 54 : 34;
	uint8_t *f = frames[i];
	struct pbuf *p, *data;

	memset(f, 0, sizeof(frames[i]));
	f[0] = NETDEV_PORT_MAC_0;
	f[1] = NETDEV_PORT_MAC_1;
	put16(f + 12, v6 ? 0x86dd : 0x0800);
	f[14] = v6 ? 0x60 : 0x45;
	if (v6) {
		put16(f + 18, 20 + payload);
		f[20] = 6;
		f[22] = 0xfe;
	} else {
		uint16_t sum;

		put16(f + 16, 40 + payload);
		put16(f + 18, 0x1234 + i);
		f[23] = 6;
		f[26] = 10;
		sum = (uint16_t)~checksum_sum(f + 14, 20);
		memcpy(f + 24, &sum, 2);
	}
	put16(f + tcp + 4, seq >> 16);
	put16(f + tcp + 6, seq & 0xffff);
	f[tcp + 12] = 5 << 4;
	f[tcp + 13] = 0x10;
	for (size_t k = 0; k < payload; k++)
		f[tcp + 20 + k] = (uint8_t)(seq + k * 3);
	lens[i] = tcp + 20 + payload;
	// Headers and data in two pieces.
	p = pbuf_alloc(PBUF_RAW, (u16_t)(tcp + 20), PBUF_RAM);
	data = pbuf_alloc(PBUF_RAW, (u16_t)payload, PBUF_RAM);
	pbuf_take(p, f, (u16_t)(tcp + 20));
	if (payload > 0)
		pbuf_take(data, f + tcp + 20, (u16_t)payload);
	pbuf_cat(p, data);
	return p;
}

static bool add(struct pbuf *p)
{
	bool taken = gather_add(&gather, p, false);

	pbuf_free(p);
	return taken;
}

// The message is one large frame that becomes `count` segments again.
static void check_round_trip(size_t count, size_t payload)
{
	struct msg_netdev_frame frame;
	const uint8_t *tail;
	size_t tail_len, len;
	struct segmenter s;
	struct message m;
	struct span bytes, headers;
	void *base;

	assert_int_equal(gather_message(&gather, &m, false), 0);
	assert_int_equal(message_decode_netdev_frame(&m, &frame, &tail, &tail_len), 0);
	assert_int_equal(m.num_handles, 1);
	assert_int_equal(folio_map(m.handles[0], PROT_READ, &base), 0);
	bytes = (struct span){ .data = (uint8_t *)base + frame.offset, .len = frame.length };
	headers = (struct span){ .data = bytes.data, .len = 134 };
	assert_int_equal(frame.gso_size, payload);
	assert_true(offload_fits(&frame, headers));
	segmenter_init(&s, &frame, headers, bytes);
	assert_int_equal(s.count, count);
	for (size_t i = 0; (len = segmenter_next_len(&s)) > 0; i++) {
		uint8_t out[1534];
		size_t tcp = frames[i][12] == 0x86 ? 54 : 34;

		segmenter_write(&s, (struct mut_span){ .data = out, .len = len });
		assert_int_equal(len, lens[i]);
		memset(out + tcp + 16, 0, 2);  // lwIP leaves it open
		assert_memory_equal(out, frames[i], len);
	}
	handle_close(m.handles[0]);
	assert_int_equal(host_kernel.num_folios, 0);
	assert_int_equal(gather.count, 0);
}

static void gathers_and_is_cut_again(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		for (size_t n = 2; n <= GATHER_MAX; n += 6) {
			size_t tail = n % 4 == 0 ? 1460 : 700;

			for (size_t i = 0; i < n; i++)
				assert_true(add(segment(i, v6, SEQUENCE + (uint32_t)(i * 1460),
				                        i + 1 < n ? 1460 : tail)));
			// Nothing follows a short one; and there is an end.
			if (tail == 700)
				assert_false(add(
					segment(63, v6, SEQUENCE + (uint32_t)((n - 1) * 1460 + 700),
				                1460)));
			check_round_trip(n, 1460);
		}
	}
}

static void an_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < GATHER_MAX; i++)
		assert_true(add(segment(i, false, (uint32_t)(i * 1460), 1460)));
	assert_false(add(segment(GATHER_MAX, false, GATHER_MAX * 1460, 1460)));
	check_round_trip(GATHER_MAX, 1460);
}

// Changes one byte of the second segment: it does not continue the first.
static void what_does_not_continue(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		size_t tcp = v6 ? 54 : 34;

		for (size_t at = 0; at < tcp + 20; at++) {
			bool ignored = (!v6 && at >= 16 && at < 20) ||
				(v6 && (at >= 18 && at < 20)) || (!v6 && (at == 24 || at == 25)) ||
				at == tcp + 16 || at == tcp + 17 || at == tcp + 18 ||
				at == tcp + 19;
			struct pbuf *p;

			assert_true(add(segment(0, v6, 77, 1000)));
			p = segment(1, v6, 1077, 1000);
			((uint8_t *)p->payload)[at] ^= 0x21;
			if (!ignored)
				assert_false(gather_add(&gather, p, false));
			pbuf_free(p);
			gather_drop(&gather);
		}
	}
}

static void what_does_not_begin(void **state)
{
	static const uint8_t flags[] = { 0x00, 0x02, 0x11, 0x12, 0x14, 0x30, 0x50, 0x90 };
	struct pbuf *p;

	(void)state;
	gather_drop(&gather);
	assert_false(add(segment(0, false, 1, 0)));    // no data
	assert_false(add(segment(0, false, 1, 100)));  // little
	for (size_t i = 0; i < sizeof(flags); i++) {
		p = segment(0, false, 1, 1000);
		((uint8_t *)p->payload)[34 + 13] = flags[i];
		assert_false(add(p));
	}
	p = segment(0, false, 1, 1000);
	((uint8_t *)p->payload)[0] = 0x52;  // not for a port of the switch
	assert_false(gather_add(&gather, p, false));
	assert_true(gather_add(&gather, p, true));
	pbuf_free(p);
	gather_drop(&gather);
	p = pbuf_alloc(PBUF_RAW, 10, PBUF_RAM);
	assert_false(add(p));
	assert_int_equal(gather.count, 0);
}

// One segment alone is a frame as others, and PSH of any is of the whole.
static void one_alone_and_pushed(void **state)
{
	struct msg_netdev_frame frame;
	struct pbuf *p;
	struct message m;
	void *base;

	(void)state;
	assert_true(add(segment(0, false, 1, 1000)));
	assert_int_equal(gather_message(&gather, &m, false), 0);
	memcpy(&frame, m.data, sizeof(frame));
	assert_int_equal(frame.flags, NETDEV_FRAME_NEEDS_CSUM);
	assert_int_equal(frame.length, 1054);
	handle_close(m.handles[0]);
	p = segment(0, false, 1, 1000);
	((uint8_t *)p->payload)[34 + 13] = 0x18;
	assert_true(add(p));
	assert_true(add(segment(1, false, 1001, 1000)));
	assert_int_equal(gather_message(&gather, &m, false), 0);
	assert_int_equal(folio_map(m.handles[0], PROT_READ, &base), 0);
	memcpy(&frame, m.data, sizeof(frame));
	assert_int_equal(((uint8_t *)base)[frame.offset + 34 + 13], 0x18);
	handle_close(m.handles[0]);
	// No memory: what was gathered is lost, as frames may be.
	host_kernel.memory_limit = 1;
	assert_true(add(segment(0, false, 1, 1000)));
	assert_true(add(segment(1, false, 1001, 1000)));
	assert_int_equal(gather_message(&gather, &m, false), ERR_LIMIT);
	assert_int_equal(gather.count, 0);
	host_kernel.memory_limit = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gathers_and_is_cut_again), cmocka_unit_test(an_end),
		cmocka_unit_test(what_does_not_continue),   cmocka_unit_test(what_does_not_begin),
		cmocka_unit_test(one_alone_and_pushed),
	};

	lwip_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
