// SPDX-License-Identifier: MIT
//
// The virtqueue of ts/virtio, and a device that keeps to the rules or does not. node runs it, on the
// bundle that test.sh makes.
import assert from "node:assert/strict";
import test from "node:test";

import { BrokenQueue, Virtqueue } from "../virtio/queue";

/** What a device does with the queue's memory. */
class FakeDevice {
	taken = 0;
	used = 0;

	constructor(queue) {
		this.size = queue.size;
		this.view = new DataView(queue.memory.buffer);
		this.avail = Number(queue.availAddress - queue.memory.address);
		this.usedAt = Number(queue.usedAddress - queue.memory.address);
	}

	availIndex() {
		return this.view.getUint16(this.avail + 2, true);
	}

	/** The next chain: its head and descriptors. */
	take() {
		const head = this.view.getUint16(this.avail + 4 + 2 * (this.taken++ % this.size), true);
		const chain = [];
		for (let at = head; ; at = this.view.getUint16(16 * at + 14, true)) {
			const flags = this.view.getUint16(16 * at + 12, true);
			chain.push({
				address: this.view.getBigUint64(16 * at, true),
				length: this.view.getUint32(16 * at + 8, true),
				writes: (flags & 2) !== 0,
			});
			if ((flags & 1) === 0) return { head, chain };
			assert(chain.length <= this.size);
		}
	}

	say(id, length) {
		this.view.setUint32(this.usedAt + 4 + 8 * (this.used % this.size), id, true);
		this.view.setUint32(this.usedAt + 8 + 8 * (this.used % this.size), length, true);
		this.used = (this.used + 1) & 0xffff;
		this.view.setUint16(this.usedAt + 2, this.used, true);
	}
}

const READ = { address: 0x1234_5678_9abcn, length: 16 };
const WRITE = { address: 0xff_0000_0000_0000n, length: 100, deviceWrites: true };

test("chains come out as they went in, for ever", () => {
	const queue = new Virtqueue(8, true);
	const device = new FakeDevice(queue);
	// Beyond 16 bits of the indices.
	for (let i = 0; i < 70000; i++) {
		const chain = [[READ], [WRITE], [READ, WRITE], [READ, READ, WRITE, WRITE]][i % 4];
		assert(queue.push(chain, i));
		queue.publish();
		const got = device.take();
		assert.deepEqual(got.chain, chain.map(({ address, length, deviceWrites }) =>
			({ address, length, writes: deviceWrites === true })));
		const written = chain.includes(WRITE) ? 100 : 0;
		device.say(got.head, written);
		assert.deepEqual(queue.pop(), { token: i, written });
		assert.equal(queue.pop(), undefined);
		assert.equal(queue.numFree, 8);
	}
});

test("chains end in any order, and there is room for as many as there are descriptors", () => {
	const queue = new Virtqueue(8, false);
	const device = new FakeDevice(queue);
	for (let i = 0; i < 4; i++) assert(queue.push([READ, WRITE], i));
	assert(!queue.push([READ], 4));
	assert(queue.publish());
	assert(!queue.publish());
	assert.equal(device.availIndex(), 4);
	const heads = [0, 1, 2, 3].map(() => device.take().head);
	for (const i of [2, 0, 3, 1]) device.say(heads[i], i);
	for (const i of [2, 0, 3, 1]) assert.deepEqual(queue.pop(), { token: i, written: i });
	assert.equal(queue.numFree, 8);
});

test("a device that breaks the rules is believed nothing any more", () => {
	const lies = {
		"a chain that is none": (device) => device.say(1, 0),
		"a descriptor in the midst of a chain": (device, head) => device.say(head + 1, 0),
		"a number beyond the queue": (device) => device.say(8, 0),
		"a number beyond all": (device) => device.say(0xffffffff, 0),
		"more bytes than there are": (device, head) => device.say(head, 101),
		"more entries than there can be": (device, head) => {
			device.used += 8;
			device.say(head, 0);
		},
		"the same twice": (device, head, queue) => {
			device.say(head, 0);
			queue.pop();
			device.say(head, 0);
		},
	};
	for (const [what, lie] of Object.entries(lies)) {
		const queue = new Virtqueue(8, true);
		const device = new FakeDevice(queue);
		assert(queue.push([READ, WRITE], what));
		queue.publish();
		lie(device, device.take().head, queue);
		assert.throws(() => queue.pop(), BrokenQueue, what);
		assert.throws(() => queue.pop(), BrokenQueue, what);
		assert(!queue.push([READ], what));
	}
});

test("a device that takes back what it had used cannot keep who polls busy", () => {
	const queue = new Virtqueue(8, false);
	const device = new FakeDevice(queue);
	assert(queue.push([READ], 1) && queue.publish());
	device.say(device.take().head, 0);
	assert(!queue.enableInterrupts());
	device.view.setUint16(device.usedAt + 2, 0, true);
	assert.throws(() => queue.pop(), BrokenQueue);
});

test("event indices say who wants to be told", () => {
	const queue = new Virtqueue(4, true);
	const device = new FakeDevice(queue);
	const availEvent = device.usedAt + 4 + 8 * 4;
	const usedEvent = device.avail + 4 + 2 * 4;
	assert(queue.push([READ], 1) && queue.publish());
	// The device wants to hear of the fourth only.
	device.view.setUint16(availEvent, 3, true);
	assert(queue.push([READ], 2) && !queue.publish());
	assert(queue.push([READ], 3) && queue.push([READ], 4) && queue.publish());
	assert(queue.enableInterrupts());
	assert.equal(device.view.getUint16(usedEvent, true), 0);
	device.say(device.take().head, 0);
	assert(!queue.enableInterrupts());
	assert.equal(queue.pop().token, 1);
	assert(queue.enableInterrupts());
	assert.equal(device.view.getUint16(usedEvent, true), 1);
});

test("what is no chain is refused", () => {
	const queue = new Virtqueue(4, false);
	assert.throws(() => queue.push([], 1), RangeError);
	assert.throws(() => queue.push([WRITE, READ], 1), RangeError);
	assert.throws(() => queue.push([{ ...WRITE, length: 0xffffffff }, WRITE], 1), RangeError);
	for (const size of [0, 3, 65536, -1]) assert.throws(() => new Virtqueue(size, false), RangeError);
	assert.equal(queue.numFree, 4);
});
