// SPDX-License-Identifier: MIT
//
// The driver's side of virtio, for drivers in TypeScript.

export { BrokenQueue, Virtqueue, type QueueBuffer, type Used } from "./queue";
export { VirtioDevice, VirtioError } from "./device";
export { DEVICE_BLOCK, DEVICE_ENTROPY } from "./spec";
