// SPDX-License-Identifier: MIT
#include "apps/tcpip/share.h"

#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "lwip/priv/tcp_priv.h"

#define MAC_LEN 6u

struct share {
	bool used;
	uint8_t mac[MAC_LEN];  // of the virtual machine
	unsigned max_connections;
	unsigned max_ooseq;
	unsigned num_connections;
	unsigned num_half_open;
	unsigned queued;
	size_t waiting;
	struct list members;
};

// lwIP allocates a pcb before it asks whether there is room for it; a listener begins as a pcb,
// too.
_Static_assert(MEMP_NUM_TCP_PCB >= SHARE_UPLINK_CONNECTIONS + SHARE_OWN_CONNECTIONS +
                               SHARE_MAX_VMS * SHARE_VM_CONNECTIONS + 2,
               "a pcb for each");
// What counts twice, for all and for its share, is at most half of the whole.
#define QUEUED_AT_MOST (SHARE_QUEUED_MAX / 2 + MEMP_NUM_TCP_PCB * SHARE_QUEUED_OWED)
// A SYN or FIN of each connection besides.
_Static_assert(MEMP_NUM_TCP_SEG >= QUEUED_AT_MOST + SHARE_MAX_VMS * SHARE_VM_OOSEQ +
                               2 * SHARE_OOSEQ + MEMP_NUM_TCP_PCB,
               "a segment for all that may be queued");
_Static_assert(MEMP_NUM_PBUF >= QUEUED_AT_MOST, "a buffer for all that may be queued");

static struct share uplink, own, vms[SHARE_MAX_VMS];
// The sender of the frame in hand; NULL: a virtual machine that has no share yet.
static struct share *sender;
static uint8_t sender_mac[MAC_LEN];
static unsigned total_queued;
static size_t total_waiting;
static u8_t ext_id;

static void share_init(struct share *share, unsigned max_connections, unsigned max_ooseq)
{
	*share = (struct share){ .max_connections = max_connections, .max_ooseq = max_ooseq };
	list_init(&share->members);
}

void shares_init(void)
{
	ext_id = tcp_ext_arg_alloc_id();
	share_init(&uplink, SHARE_UPLINK_CONNECTIONS, SHARE_OOSEQ);
	share_init(&own, SHARE_OWN_CONNECTIONS, SHARE_OOSEQ);
	for (size_t i = 0; i < SHARE_MAX_VMS; i++)
		share_init(&vms[i], SHARE_VM_CONNECTIONS, SHARE_VM_OOSEQ);
	sender = &own;
}

// --- Senders ---

void share_sender_set(const uint8_t *vm_mac)
{
	sender = &uplink;
	if (vm_mac == NULL)
		return;
	sender = NULL;
	memcpy(sender_mac, vm_mac, MAC_LEN);
}

void share_sender_clear(void)
{
	sender = &own;
}

// The share of the sender in hand. NULL: there are as many virtual machines as can be.
static struct share *sender_share(void)
{
	struct share *free = NULL;

	if (sender != NULL)
		return sender;
	for (size_t i = 0; i < SHARE_MAX_VMS; i++) {
		struct share *share = &vms[i];

		if (share->used && memcmp(share->mac, sender_mac, MAC_LEN) == 0)
			return share;
		if (free == NULL && share->num_connections == 0)
			free = share;
	}
	if (free == NULL)
		return NULL;
	free->used = true;
	memcpy(free->mac, sender_mac, MAC_LEN);
	return free;
}

// --- Members ---

static struct share_member *member_of(const struct tcp_pcb *pcb)
{
	return pcb->ext_args[ext_id].data;
}

static void set_half_open(struct share_member *member, bool half_open)
{
	if (member->half_open == half_open)
		return;
	member->half_open = half_open;
	member->share->num_half_open += half_open ? 1u : -1u;
}

static void free_when_unused(struct share_member *member)
{
	if (member->pcb != NULL || member->kept)
		return;
	list_remove(&member->entry);
	member->share->num_connections--;
	heap_free(member);
}

static void pcb_destroyed(u8_t id, void *data)
{
	struct share_member *member = data;

	(void)id;
	if (member == NULL)
		return;
	member->pcb = NULL;
	set_half_open(member, false);
	total_queued -= member->queued;
	member->share->queued -= member->queued;
	member->queued = 0;
	free_when_unused(member);
}

static err_t passive_open(u8_t id, struct tcp_pcb_listen *listening, struct tcp_pcb *pcb);

static const struct tcp_ext_arg_callbacks callbacks = { .destroy = pcb_destroyed,
	                                                .passive_open = passive_open };

static bool join(struct share *share, struct tcp_pcb *pcb, bool half_open)
{
	struct share_member *member = heap_alloc(sizeof(*member));

	if (member == NULL)
		return false;
	*member = (struct share_member){ .share = share, .pcb = pcb };
	list_push_back(&share->members, &member->entry);
	share->num_connections++;
	set_half_open(member, half_open);
	tcp_ext_arg_set_callbacks(pcb, ext_id, &callbacks);
	tcp_ext_arg_set(pcb, ext_id, member);
	return true;
}

// --- Room ---

// How little a connection is needed; 0: it is.
enum need { NEEDED, IDLE, CLOSING_DOWN, HALF_OPEN, OVER };

static enum need need(const struct share_member *member)
{
	const struct tcp_pcb *pcb = member->pcb;

	if (pcb == NULL)
		return NEEDED;  // its client still has to take what came
	if (pcb->state == TIME_WAIT)
		return OVER;
	if (member->half_open)
		return HALF_OPEN;
	if (!member->kept && pcb->state >= FIN_WAIT_1)
		return CLOSING_DOWN;
	return tcp_ticks - pcb->tmr >= SHARE_IDLE_SECONDS * 1000 / TCP_SLOW_INTERVAL ? IDLE
										     : NEEDED;
}

// The oldest of those that are needed least. NULL: all are.
static struct tcp_pcb *find_victim(struct share *share, enum need least)
{
	struct tcp_pcb *victim = NULL;
	enum need found = NEEDED;

	list_for_each(entry, &share->members) {
		struct share_member *member = container_of(entry, struct share_member, entry);
		enum need n = need(member);

		if (n >= least && n > found) {
			found = n;
			victim = member->pcb;
		}
	}
	return victim;
}

// Makes room for a connection: one that is needed least gives way when there is none.
static bool make_room(struct share *share, bool half_open)
{
	struct tcp_pcb *victim = NULL;

	if (share->num_connections >= share->max_connections)
		victim = find_victim(share, IDLE);
	else if (half_open && share->num_half_open >= share->max_connections / SHARE_HALF_OPEN_PART)
		victim = find_victim(share, HALF_OPEN);
	// A peer that did not finish its handshake is told nothing, for it may not know of it.
	if (victim != NULL)
		tcp_abandon(victim, victim->state != SYN_RCVD);
	return share->num_connections < share->max_connections;
}

static err_t passive_open(u8_t id, struct tcp_pcb_listen *listening, struct tcp_pcb *pcb)
{
	struct share *share = sender_share();

	(void)id;
	(void)listening;
	// The SYN is as good as lost, and is repeated.
	return share != NULL && make_room(share, true) && join(share, pcb, true) ? ERR_OK : ERR_MEM;
}

void share_listen(struct tcp_pcb *listening)
{
	tcp_ext_arg_set_callbacks(listening, ext_id, &callbacks);
}

struct tcp_pcb *share_connect(uint8_t type)
{
	struct tcp_pcb *pcb;

	if (!make_room(&own, false))
		return NULL;
	pcb = tcp_new_ip_type(type);
	if (pcb != NULL && !join(&own, pcb, false)) {
		tcp_abort(pcb);
		return NULL;
	}
	return pcb;
}

struct share_member *share_established(struct tcp_pcb *pcb)
{
	struct share_member *member = member_of(pcb);

	if (member == NULL)
		return NULL;
	set_half_open(member, false);
	member->kept = true;
	return member;
}

void share_release(struct share_member *member)
{
	member->kept = false;
	share_count_waiting(member, -(ptrdiff_t)member->waiting);
	free_when_unused(member);
}

// --- Queues ---

// By how much `mine` is less than what all and the share leave of the whole.
static size_t room(size_t whole, size_t all, size_t shares, size_t mine)
{
	size_t held = all + shares + mine;

	return held < whole ? whole - held : 0;
}

// What is queued counts for all, for the share and for the connection.
unsigned share_may_queue(const struct share_member *member)
{
	size_t left = room(SHARE_QUEUED_MAX, total_queued, member->share->queued, member->queued);
	unsigned owed = member->queued < SHARE_QUEUED_OWED ? SHARE_QUEUED_OWED - member->queued : 0;

	left = (left + 2) / 3;
	return left > owed ? (unsigned)left : owed;
}

void share_count_queued(struct share_member *member)
{
	unsigned now = member->pcb != NULL ? member->pcb->snd_queuelen : 0;

	total_queued += now - member->queued;
	member->share->queued += now - member->queued;
	member->queued = now;
}

bool share_may_wait(const struct share_member *member)
{
	return room(SHARE_WAITING_MAX, total_waiting, member->share->waiting, member->waiting) > 0;
}

void share_count_waiting(struct share_member *member, ptrdiff_t bytes)
{
	member->waiting += (size_t)bytes;
	member->share->waiting += (size_t)bytes;
	total_waiting += (size_t)bytes;
}

// lwIP's hook: how many buffers that came out of order the pcb may hold. What others of its share
// hold is not to be had.
u16_t lwip_port_ooseq_limit(const struct tcp_pcb *pcb)
{
	const struct share_member *member = member_of(pcb);
	unsigned left;

	if (member == NULL)
		return 0;
	left = member->share->max_ooseq;
	list_for_each(entry, &member->share->members) {
		const struct tcp_pcb *other = container_of(entry, struct share_member, entry)->pcb;

		if (other == NULL || other == pcb)
			continue;
		for (const struct tcp_seg *seg = other->ooseq; seg != NULL && left > 0;
		     seg = seg->next)
			left -= left < pbuf_clen(seg->p) ? left : pbuf_clen(seg->p);
	}
	return (u16_t)left;
}

// --- A virtual machine is gone ---

// Whether an address is the machine's: its IPv4 address, or one with the interface identifier of
// its MAC address (RFC 4291, appendix A).
static bool is_peer(const ip_addr_t *addr, const uint8_t mac[6], const uint8_t ipv4[4])
{
	const uint8_t id[8] = { mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5] };

	if (IP_IS_V6(addr))
		return memcmp((const uint8_t *)ip_2_ip6(addr)->addr + 8, id, sizeof(id)) == 0;
	return memcmp(&ip_2_ip4(addr)->addr, ipv4, 4) == 0;
}

// Resetting one tells its owner, who may do away with others: the search begins anew.
static struct tcp_pcb *find_peer(struct tcp_pcb *pcbs, const uint8_t mac[6], const uint8_t ipv4[4])
{
	while (pcbs != NULL && !is_peer(&pcbs->remote_ip, mac, ipv4))
		pcbs = pcbs->next;
	return pcbs;
}

void shares_reset_peer(const uint8_t mac[6], const uint8_t ipv4[4])
{
	struct tcp_pcb *pcb;

	while ((pcb = find_peer(tcp_active_pcbs, mac, ipv4)) != NULL ||
	       (pcb = find_peer(tcp_tw_pcbs, mac, ipv4)) != NULL)
		tcp_abort(pcb);
}
