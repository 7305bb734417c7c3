// SPDX-License-Identifier: MIT
//
// The driver's side of a split virtqueue (virtio 1.2, 2.7), with event index when negotiated. The
// device is not trusted: which descriptors are free and what is in flight is kept in memory of our
// own, and what the used ring says is checked against it.
//
// What the device reads and writes at the same time is reached through typed arrays only, whose
// elements are single accesses. (A DataView may take bytes one by one.)

import { dma, fence, type Dma } from "starina";
import { DESCRIPTOR_NEXT, DESCRIPTOR_WRITE, USED_NO_NOTIFY } from "./spec";

/** One piece of a chain. */
export interface QueueBuffer {
	address: bigint;
	length: number;
	deviceWrites?: boolean;
}

/** A chain that the device has used. */
export interface Used<Token> {
	token: Token;
	/** Bytes that the device says it wrote: at most what the chain could take. */
	written: number;
}

/** The device broke the rules: nothing is taken from it any more. */
export class BrokenQueue extends Error {}

interface Slot<Token> {
	next: number;
	chainLength: number; // 0: not the head of a chain in flight
	writable: number;
	token: Token | undefined;
}

/** 2.7.10: whether moving an index from `old` to `now` passes the peer's `event`. */
function needsEvent(event: number, now: number, old: number): boolean {
	return ((now - event - 1) & 0xffff) < ((now - old) & 0xffff);
}

export class Virtqueue<Token> {
	readonly memory: Dma;
	private readonly address64: BigUint64Array; // descriptors
	private readonly words32: Uint32Array; // descriptors, and the used ring's entries
	private readonly words16: Uint16Array; // the rest
	private readonly avail: number; // where the rings are, in bytes
	private readonly used: number;
	private readonly slots: Slot<Token>[] = [];
	private free: number;
	private freeHead = 0;
	private availIndex = 0; // next to fill; the device sees it at the next publish
	private publishedIndex = 0;
	private usedIndex = 0; // next to take
	private promised = false; // the device said that there is one to take
	private broken = false;

	/** `size` is a power of two. */
	constructor(readonly size: number, private readonly eventIndex: boolean) {
		if (size < 1 || size > 32768 || (size & (size - 1)) !== 0) throw new RangeError("queue size");
		this.avail = 16 * size;
		this.used = (this.avail + 6 + 2 * size + 3) & ~3;
		this.memory = dma(this.used + 6 + 8 * size);
		this.address64 = new BigUint64Array(this.memory.buffer, 0, 2 * size);
		this.words32 = new Uint32Array(this.memory.buffer);
		this.words16 = new Uint16Array(this.memory.buffer);
		this.free = size;
		for (let i = 0; i < size; i++)
			this.slots.push({ next: i + 1, chainLength: 0, writable: 0, token: undefined });
	}

	get descriptorAddress(): bigint {
		return this.memory.address;
	}

	get availAddress(): bigint {
		return this.memory.address + BigInt(this.avail);
	}

	get usedAddress(): bigint {
		return this.memory.address + BigInt(this.used);
	}

	get numFree(): number {
		return this.free;
	}

	/**
	 * Queues a chain: buffers that the device reads first, then those that it writes. `token` comes
	 * back from pop(). The device sees it after publish(). Returns false when there is no room.
	 */
	push(buffers: readonly QueueBuffer[], token: Token): boolean {
		const writable = checkChain(buffers);
		if (buffers.length > this.free || this.broken) return false;
		const head = this.freeHead;
		let index = head;
		buffers.forEach((buffer, i) => {
			const last = i + 1 === buffers.length;
			const next = this.slots[index]!.next;
			this.address64[2 * index] = buffer.address;
			this.words32[4 * index + 2] = buffer.length;
			this.words16[8 * index + 6] = (buffer.deviceWrites ? DESCRIPTOR_WRITE : 0) | (last ? 0 : DESCRIPTOR_NEXT);
			this.words16[8 * index + 7] = last ? 0 : next;
			index = next;
		});
		this.freeHead = index;
		this.free -= buffers.length;
		Object.assign(this.slots[head]!, { token, writable, chainLength: buffers.length });
		this.words16[this.avail / 2 + 2 + (this.availIndex & (this.size - 1))] = head;
		this.availIndex = (this.availIndex + 1) & 0xffff;
		return true;
	}

	/** Shows the device all that was pushed. Returns whether it wants to be notified (2.7.13). */
	publish(): boolean {
		const old = this.publishedIndex;
		if (old === this.availIndex) return false;
		fence(); // the entries before the index
		this.words16[this.avail / 2 + 1] = this.availIndex;
		this.publishedIndex = this.availIndex;
		fence(); // the index before the device's wish, or both sides may miss each other
		if (this.eventIndex) {
			const event = this.words16[this.used / 2 + 2 + 4 * this.size]!;
			return needsEvent(event, this.availIndex, old);
		}
		return (this.words16[this.used / 2]! & USED_NO_NOTIFY) === 0;
	}

	/** Takes the oldest chain that was used; undefined when there is none. Throws BrokenQueue. */
	pop(): Used<Token> | undefined {
		if (this.broken) throw new BrokenQueue("the queue is broken");
		const waiting = (this.words16[this.used / 2 + 1]! - this.usedIndex) & 0xffff;
		if (waiting === 0) {
			// Who polls would do so for as long as the device goes on with this.
			if (this.promised) this.fail("took back what it had used");
			return undefined;
		}
		fence(); // the index before the entry
		const entry = this.used / 4 + 1 + 2 * (this.usedIndex & (this.size - 1));
		const id = this.words32[entry]!;
		const written = this.words32[entry + 1]!;
		const slot = this.slots[id];
		if (waiting > this.size || slot === undefined || slot.chainLength === 0 || written > slot.writable) {
			this.fail("broke its queue");
		}
		this.promised = false;
		const token = slot.token!;
		this.release(id, slot);
		this.usedIndex = (this.usedIndex + 1) & 0xffff;
		return { token, written };
	}

	/**
	 * Asks for an interrupt once the next chain is used. Returns false when there is one already: then
	 * take it, no interrupt may come.
	 */
	enableInterrupts(): boolean {
		if (this.eventIndex) this.words16[this.avail / 2 + 2 + this.size] = this.usedIndex;
		fence(); // the wish before the index, or both sides may miss each other
		this.promised = this.words16[this.used / 2 + 1] !== this.usedIndex;
		return !this.promised;
	}

	private fail(what: string): never {
		this.broken = true;
		throw new BrokenQueue(`the device ${what}`);
	}

	/** Gives its memory back. The device must have been reset. */
	close(): void {
		this.memory.close();
	}

	/** Puts the descriptors of a chain back. */
	private release(head: number, slot: Slot<Token>): void {
		let last = slot;
		for (let i = 1; i < slot.chainLength; i++) last = this.slots[last.next]!;
		last.next = this.freeHead;
		this.freeHead = head;
		this.free += slot.chainLength;
		slot.chainLength = 0;
		slot.token = undefined;
	}
}

/** How much the device may write into a chain that keeps to the order of 2.7.4.2. */
function checkChain(buffers: readonly QueueBuffer[]): number {
	let writable = 0;
	let writes = false;
	for (const buffer of buffers) {
		if (writes && !buffer.deviceWrites) throw new RangeError("what the device reads comes first");
		writes = buffer.deviceWrites === true;
		if (writes) writable += buffer.length;
	}
	if (buffers.length === 0 || writable > 0xffffffff) throw new RangeError("no chain is like this");
	return writable;
}
