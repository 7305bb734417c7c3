// SPDX-License-Identifier: MIT
//
// The module "starina" for tests of TypeScript libraries and drivers under node: memory without a
// device, channels whose far end is the test, and time that is over at once.

let address = 0x8000_0000n;

export function dma(size) {
	const whole = Math.ceil(size / 4096) * 4096;
	const memory = { size: whole, address, buffer: new ArrayBuffer(whole), closed: false, close() { memory.closed = true; } };
	address += BigInt(whole);
	return memory;
}

/** The near end of a channel: `give` has a message for who iterates over it. */
class FakeChannel {
	peerClosed = false;
	sent = [];
	messages = [];
	wake = () => {};

	give(message) {
		this.messages.push(message);
		this.wake();
	}

	send(message) {
		this.sent.push(message);
	}

	close() {
		this.peerClosed = true;
		this.wake();
	}

	async next() {
		while (this.messages.length === 0 && !this.peerClosed)
			await new Promise((resolve) => { this.wake = resolve; });
		return this.messages.length > 0 ? { value: this.messages.shift(), done: false } : { value: undefined, done: true };
	}

	[Symbol.asyncIterator]() {
		return this;
	}
}

export const channel = () => [new FakeChannel(), {}];
export const app = (spec) => spec;
export const services = { async *provide() {} };
export const timer = { sleep: async () => {} };
export const ERR = {};
export const fence = () => {};
export const log = { error() {}, info() {}, warn() {}, debug() {} };
