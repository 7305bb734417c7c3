// SPDX-License-Identifier: MIT
//
// Constants of virtio 1.2 (OASIS, "Virtual I/O Device (VIRTIO) Version 1.2"), as libs/virtio/spec.h
// has them. All fields are little-endian, as this machine is.

export const DEVICE_BLOCK = 2;
export const DEVICE_ENTROPY = 4;

/** 2.1 Device status field. */
export const STATUS = { ACKNOWLEDGE: 1, DRIVER: 2, DRIVER_OK: 4, FEATURES_OK: 8, FAILED: 128 };

/** 6 Reserved feature bits. */
export const FEATURE_EVENT_IDX = 1n << 29n;
export const FEATURE_VERSION_1 = 1n << 32n;

/** 2.7 Split virtqueues. */
export const DESCRIPTOR_NEXT = 1;
export const DESCRIPTOR_WRITE = 2;
export const USED_NO_NOTIFY = 1;

/** 4.2.2 MMIO device register layout. */
export const REGISTER = {
	MAGIC: 0x000,
	VERSION: 0x004,
	DEVICE_ID: 0x008,
	DEVICE_FEATURES: 0x010,
	DEVICE_FEATURES_SEL: 0x014,
	DRIVER_FEATURES: 0x020,
	DRIVER_FEATURES_SEL: 0x024,
	QUEUE_SEL: 0x030,
	QUEUE_NUM_MAX: 0x034,
	QUEUE_NUM: 0x038,
	QUEUE_READY: 0x044,
	QUEUE_NOTIFY: 0x050,
	INTERRUPT_STATUS: 0x060,
	INTERRUPT_ACK: 0x064,
	STATUS: 0x070,
	QUEUE_DESC: 0x080,
	QUEUE_DRIVER: 0x090,
	QUEUE_DEVICE: 0x0a0,
	CONFIG_GENERATION: 0x0fc,
	CONFIG: 0x100,
};

export const MAGIC = 0x74726976; // "virt"
export const VERSION_LEGACY = 1;
export const VERSION_MODERN = 2;
