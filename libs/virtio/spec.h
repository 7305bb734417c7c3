// SPDX-License-Identifier: MIT
//
// Constants and layouts of virtio 1.2 (OASIS, "Virtual I/O Device (VIRTIO) Version 1.2"), for both
// sides. All fields are little-endian, as this machine and its guests are.
#pragma once

#include <stddef.h>
#include <stdint.h>

// --- 5 Device types ---

#define VIRTIO_ID_NET 1u
#define VIRTIO_ID_BLOCK 2u
#define VIRTIO_ID_CONSOLE 3u
#define VIRTIO_ID_ENTROPY 4u
#define VIRTIO_ID_BALLOON 5u
#define VIRTIO_ID_FS 26u

// --- 2.1 Device status field ---

#define VIRTIO_STATUS_ACKNOWLEDGE 1u
#define VIRTIO_STATUS_DRIVER 2u
#define VIRTIO_STATUS_DRIVER_OK 4u
#define VIRTIO_STATUS_FEATURES_OK 8u
#define VIRTIO_STATUS_NEEDS_RESET 64u
#define VIRTIO_STATUS_FAILED 128u

// --- 6 Reserved feature bits (masks over the 64 feature bits, as all VIRTIO_*_F_* here) ---

#define VIRTIO_F_INDIRECT_DESC (1ull << 28)
#define VIRTIO_F_EVENT_IDX (1ull << 29)
#define VIRTIO_F_VERSION_1 (1ull << 32)
#define VIRTIO_F_ACCESS_PLATFORM (1ull << 33)
#define VIRTIO_F_RING_PACKED (1ull << 34)

// --- 2.7 Split virtqueues ---

#define VIRTQ_MAX_SIZE 32768u

#define VIRTQ_DESC_F_NEXT 1u
#define VIRTQ_DESC_F_WRITE 2u  // the device writes it
#define VIRTQ_DESC_F_INDIRECT 4u

#define VIRTQ_AVAIL_F_NO_INTERRUPT 1u
#define VIRTQ_USED_F_NO_NOTIFY 1u

#define VIRTQ_DESC_ALIGN 16u
#define VIRTQ_AVAIL_ALIGN 2u
#define VIRTQ_USED_ALIGN 4u

struct virtq_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

// Followed by the ring of `size` entries and, with EVENT_IDX, by used_event.
struct virtq_avail {
	uint16_t flags;
	uint16_t idx;
	uint16_t ring[];
};

struct virtq_used_elem {
	uint32_t id;
	uint32_t len;
};

// Followed by the ring of `size` entries and, with EVENT_IDX, by avail_event.
struct virtq_used {
	uint16_t flags;
	uint16_t idx;
	struct virtq_used_elem ring[];
};

// Bytes of the three parts of a queue of `size` entries, the event fields included.
#define VIRTQ_DESC_BYTES(size) (16u * (size))
#define VIRTQ_AVAIL_BYTES(size) (6u + 2u * (size))
#define VIRTQ_USED_BYTES(size) (6u + 8u * (size))

// 2.7.10: whether moving an index from `old_idx` to `new_idx` passes the peer's `event`, so that it
// wants to be told.
static inline int virtq_need_event(uint16_t event, uint16_t new_idx, uint16_t old_idx)
{
	return (uint16_t)(new_idx - event - 1) < (uint16_t)(new_idx - old_idx);
}

// --- 4.2.2 MMIO device register layout ---

#define VIRTIO_MMIO_MAGIC_VALUE 0x000u
#define VIRTIO_MMIO_VERSION 0x004u
#define VIRTIO_MMIO_DEVICE_ID 0x008u
#define VIRTIO_MMIO_VENDOR_ID 0x00cu
#define VIRTIO_MMIO_DEVICE_FEATURES 0x010u
#define VIRTIO_MMIO_DEVICE_FEATURES_SEL 0x014u
#define VIRTIO_MMIO_DRIVER_FEATURES 0x020u
#define VIRTIO_MMIO_DRIVER_FEATURES_SEL 0x024u
#define VIRTIO_MMIO_QUEUE_SEL 0x030u
#define VIRTIO_MMIO_QUEUE_NUM_MAX 0x034u
#define VIRTIO_MMIO_QUEUE_NUM 0x038u
#define VIRTIO_MMIO_QUEUE_READY 0x044u
#define VIRTIO_MMIO_QUEUE_NOTIFY 0x050u
#define VIRTIO_MMIO_INTERRUPT_STATUS 0x060u
#define VIRTIO_MMIO_INTERRUPT_ACK 0x064u
#define VIRTIO_MMIO_STATUS 0x070u
#define VIRTIO_MMIO_QUEUE_DESC_LOW 0x080u
#define VIRTIO_MMIO_QUEUE_DESC_HIGH 0x084u
#define VIRTIO_MMIO_QUEUE_DRIVER_LOW 0x090u
#define VIRTIO_MMIO_QUEUE_DRIVER_HIGH 0x094u
#define VIRTIO_MMIO_QUEUE_DEVICE_LOW 0x0a0u
#define VIRTIO_MMIO_QUEUE_DEVICE_HIGH 0x0a4u
#define VIRTIO_MMIO_SHM_SEL 0x0acu
#define VIRTIO_MMIO_SHM_LEN_LOW 0x0b0u
#define VIRTIO_MMIO_SHM_LEN_HIGH 0x0b4u
#define VIRTIO_MMIO_SHM_BASE_LOW 0x0b8u
#define VIRTIO_MMIO_SHM_BASE_HIGH 0x0bcu
#define VIRTIO_MMIO_QUEUE_RESET 0x0c0u
#define VIRTIO_MMIO_CONFIG_GENERATION 0x0fcu
#define VIRTIO_MMIO_CONFIG 0x100u
#define VIRTIO_MMIO_SIZE 0x200u

#define VIRTIO_MMIO_MAGIC 0x74726976u  // "virt"
#define VIRTIO_MMIO_VERSION_LEGACY 1u
#define VIRTIO_MMIO_VERSION_MODERN 2u

#define VIRTIO_MMIO_INT_VRING (1u << 0)
#define VIRTIO_MMIO_INT_CONFIG (1u << 1)

// --- 5.1 Network device ---

#define VIRTIO_NET_QUEUE_RX 0u
#define VIRTIO_NET_QUEUE_TX 1u

#define VIRTIO_NET_F_CSUM (1ull << 0)
#define VIRTIO_NET_F_GUEST_CSUM (1ull << 1)
#define VIRTIO_NET_F_MTU (1ull << 3)
#define VIRTIO_NET_F_MAC (1ull << 5)
#define VIRTIO_NET_F_GUEST_TSO4 (1ull << 7)
#define VIRTIO_NET_F_GUEST_TSO6 (1ull << 8)
#define VIRTIO_NET_F_HOST_TSO4 (1ull << 11)
#define VIRTIO_NET_F_HOST_TSO6 (1ull << 12)
#define VIRTIO_NET_F_MRG_RXBUF (1ull << 15)
#define VIRTIO_NET_F_STATUS (1ull << 16)
#define VIRTIO_NET_F_CTRL_VQ (1ull << 17)

#define VIRTIO_NET_S_LINK_UP 1u

struct virtio_net_config {
	uint8_t mac[6];
	uint16_t status;
	uint16_t max_virtqueue_pairs;
	uint16_t mtu;
};

#define VIRTIO_NET_HDR_F_NEEDS_CSUM 1u
#define VIRTIO_NET_HDR_F_DATA_VALID 2u
#define VIRTIO_NET_HDR_GSO_NONE 0u
#define VIRTIO_NET_HDR_GSO_TCPV4 1u
#define VIRTIO_NET_HDR_GSO_UDP 3u
#define VIRTIO_NET_HDR_GSO_TCPV6 4u
#define VIRTIO_NET_HDR_GSO_ECN 0x80u

// Before each frame; 12 bytes with VIRTIO_F_VERSION_1, num_buffers included.
struct virtio_net_hdr {
	uint8_t flags;
	uint8_t gso_type;
	uint16_t hdr_len;
	uint16_t gso_size;
	uint16_t csum_start;
	uint16_t csum_offset;
	uint16_t num_buffers;
};
_Static_assert(sizeof(struct virtio_net_hdr) == 12, "virtio_net_hdr");

// --- 5.2 Block device ---

#define VIRTIO_BLK_F_SIZE_MAX (1ull << 1)
#define VIRTIO_BLK_F_SEG_MAX (1ull << 2)
#define VIRTIO_BLK_F_RO (1ull << 5)
#define VIRTIO_BLK_F_BLK_SIZE (1ull << 6)
#define VIRTIO_BLK_F_FLUSH (1ull << 9)
#define VIRTIO_BLK_F_CONFIG_WCE (1ull << 11)
#define VIRTIO_BLK_F_DISCARD (1ull << 13)
#define VIRTIO_BLK_F_WRITE_ZEROES (1ull << 14)

#define VIRTIO_BLK_SECTOR_SIZE 512u

// The fields of the configuration space up to those of discards.
struct virtio_blk_config {
	uint64_t capacity;  // sectors
	uint32_t size_max;
	uint32_t seg_max;
	uint16_t cylinders;
	uint8_t heads;
	uint8_t sectors;
	uint32_t blk_size;
	uint8_t physical_block_exp;
	uint8_t alignment_offset;
	uint16_t min_io_size;
	uint32_t opt_io_size;
	uint8_t writeback;
	uint8_t unused;
	uint16_t num_queues;
	uint32_t max_discard_sectors;
	uint32_t max_discard_seg;
	uint32_t discard_sector_alignment;
};
_Static_assert(offsetof(struct virtio_blk_config, max_discard_sectors) == 36, "virtio_blk_config");

// The data of VIRTIO_BLK_T_DISCARD, one of each range.
struct virtio_blk_discard {
	uint64_t sector;
	uint32_t num_sectors;
	uint32_t flags;  // 0
};

#define VIRTIO_BLK_T_IN 0u
#define VIRTIO_BLK_T_OUT 1u
#define VIRTIO_BLK_T_FLUSH 4u
#define VIRTIO_BLK_T_GET_ID 8u
#define VIRTIO_BLK_T_DISCARD 11u
#define VIRTIO_BLK_ID_BYTES 20u

#define VIRTIO_BLK_S_OK 0u
#define VIRTIO_BLK_S_IOERR 1u
#define VIRTIO_BLK_S_UNSUPP 2u

// Before the data of each request; one status byte (VIRTIO_BLK_S_*) follows the data.
struct virtio_blk_req {
	uint32_t type;
	uint32_t reserved;
	uint64_t sector;
};

// --- 5.3 Console device ---

// Port 0's queues are 0 (receive) and 1 (transmit), then the control queues, then two for each
// further port.
#define VIRTIO_CONSOLE_QUEUE_CONTROL_RX 2u
#define VIRTIO_CONSOLE_QUEUE_CONTROL_TX 3u
#define VIRTIO_CONSOLE_QUEUE_RX(port) ((port) == 0 ? 0u : 2u * ((port) + 1u))
#define VIRTIO_CONSOLE_QUEUE_TX(port) ((port) == 0 ? 1u : 2u * ((port) + 1u) + 1u)

#define VIRTIO_CONSOLE_F_SIZE (1ull << 0)
#define VIRTIO_CONSOLE_F_MULTIPORT (1ull << 1)
#define VIRTIO_CONSOLE_F_EMERG_WRITE (1ull << 2)

struct virtio_console_config {
	uint16_t cols;
	uint16_t rows;
	uint32_t max_nr_ports;
	uint32_t emerg_wr;
};

#define VIRTIO_CONSOLE_DEVICE_READY 0u
#define VIRTIO_CONSOLE_DEVICE_ADD 1u
#define VIRTIO_CONSOLE_DEVICE_REMOVE 2u
#define VIRTIO_CONSOLE_PORT_READY 3u
#define VIRTIO_CONSOLE_CONSOLE_PORT 4u
#define VIRTIO_CONSOLE_RESIZE 5u
#define VIRTIO_CONSOLE_PORT_OPEN 6u
#define VIRTIO_CONSOLE_PORT_NAME 7u

// PORT_NAME's is followed by the name (not terminated), RESIZE's by virtio_console_resize.
struct virtio_console_control {
	uint32_t id;  // port
	uint16_t event;
	uint16_t value;
};

struct virtio_console_resize {
	uint16_t cols;
	uint16_t rows;
};

// --- 5.4 Entropy device: one queue, the device fills the buffers ---

#define VIRTIO_ENTROPY_QUEUE 0u

// --- 5.5 Memory balloon ---

#define VIRTIO_BALLOON_QUEUE_INFLATE 0u
#define VIRTIO_BALLOON_QUEUE_DEFLATE 1u
// Queues are numbered without gaps: those of features that are not offered (statistics, free page
// hints) are not there. Section 5.5.2 has this one at 4; Linux and the devices that it works with
// count as we do.
#define VIRTIO_BALLOON_QUEUE_REPORTING 2u
#define VIRTIO_BALLOON_NUM_QUEUES 3u

#define VIRTIO_BALLOON_F_MUST_TELL_HOST (1ull << 0)
#define VIRTIO_BALLOON_F_STATS_VQ (1ull << 1)
#define VIRTIO_BALLOON_F_DEFLATE_ON_OOM (1ull << 2)
#define VIRTIO_BALLOON_F_PAGE_REPORTING (1ull << 5)

// --- 5.11 File system device: FUSE requests ---

#define VIRTIO_FS_QUEUE_HIGH_PRIORITY 0u  // FORGET and INTERRUPT
#define VIRTIO_FS_QUEUE_REQUEST 1u        // the first of num_request_queues

struct virtio_fs_config {
	uint8_t tag[36];  // UTF-8, padded with zeros
	uint32_t num_request_queues;
};
_Static_assert(sizeof(struct virtio_fs_config) == 40, "virtio_fs_config");
