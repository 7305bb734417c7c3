// SPDX-License-Identifier: MIT
//
// The module "starina" for tests of TypeScript libraries under node: memory without a device.

let address = 0x8000_0000n;

export function dma(size) {
	const whole = Math.ceil(size / 4096) * 4096;
	const memory = { size: whole, address, buffer: new ArrayBuffer(whole), close() {} };
	address += BigInt(whole);
	return memory;
}

export const fence = () => {};
export const log = { error() {}, info() {}, warn() {}, debug() {} };
