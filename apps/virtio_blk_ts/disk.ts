// SPDX-License-Identifier: MIT
//
// A block device (virtio 1.2, 5.2) and the requests that it has.

import { dma, ERR, log, timer, type Device, type Dma } from "starina";
import { DEVICE_BLOCK, VirtioDevice, type QueueBuffer, type Virtqueue } from "../../ts/virtio";
import type { Client } from "./client";

const FEATURE_RO = 1n << 5n;
const FEATURE_FLUSH = 1n << 9n;
const CONFIG_CAPACITY = 0;

export const TYPE_READ = 0;
export const TYPE_WRITE = 1;
export const TYPE_FLUSH = 4;
const TYPE_GET_ID = 8;
const ID_BYTES = 20;

const STATUS_OK = 0;
const STATUS_UNSUPPORTED = 2;
const STATUS_UNWRITTEN = 0xff; // until the device writes it

const RING_SIZE = 256;
const MAX_SLOTS = 64;
const REQUEST_DESCRIPTORS = 3; // header, data, status
const IDENTIFY_TIMEOUT_MS = 60000;

// What the device sees of a request beside its data: a header of 16 bytes (type, reserved, sector),
// its status, and the device's serial.
const AREA_BYTES = 64;
const AREA_STATUS = 16;
const AREA_ID = 20;

/** Called when the device is done with a request. */
type Done = (status: number) => void;

interface Slot {
	index: number;
	done: Done;
}

export class Disk {
	readonly virtio: VirtioDevice;
	readonly numSectors: bigint;
	readonly readOnly: boolean;
	readonly flushes: boolean;
	serial = "";
	readonly clients = new Set<Client>();
	private readonly queue: Virtqueue<Slot>;
	private readonly areas: Dma;
	private readonly bytes: Uint8Array;
	private readonly words32: Uint32Array;
	private readonly words64: BigUint64Array;
	private readonly free: number[] = [];
	private waiting: (() => void)[] = []; // for a slot
	private settling: (() => void)[] = []; // for what clients that are gone had asked

	/** Sets the device up. Throws. */
	constructor(device: Device) {
		this.virtio = new VirtioDevice(device, DEVICE_BLOCK, "block device");
		this.virtio.negotiate(FEATURE_RO | FEATURE_FLUSH);
		this.readOnly = this.virtio.has(FEATURE_RO);
		this.flushes = this.virtio.has(FEATURE_FLUSH);
		this.numSectors = this.virtio.config64(CONFIG_CAPACITY);
		this.queue = this.virtio.queue(0, RING_SIZE);
		this.areas = dma(MAX_SLOTS * AREA_BYTES);
		this.bytes = new Uint8Array(this.areas.buffer);
		this.words32 = new Uint32Array(this.areas.buffer);
		this.words64 = new BigUint64Array(this.areas.buffer);
		const numSlots = Math.min(MAX_SLOTS, Math.floor(this.queue.size / REQUEST_DESCRIPTORS));
		for (let i = 0; i < numSlots; i++) this.free.push(i);
		if (numSlots === 0) throw this.virtio.fail("its queue is too small");
		this.virtio.start();
	}

	// --- Requests ---

	get hasRoom(): boolean {
		return this.free.length > 0;
	}

	/** Resolves once a request is free; somebody else may be first to take it. */
	room(): Promise<void> {
		return new Promise((resolve) => this.waiting.push(resolve));
	}

	/** Gives a request to the device; there is room for it. Of a flush there is no data. */
	submit(type: number, sector: bigint, data: QueueBuffer[], done: Done): void {
		const index = this.free.pop()!;
		const at = index * AREA_BYTES;
		const area = this.areas.address + BigInt(at);
		this.words32[at / 4] = type;
		this.words32[at / 4 + 1] = 0;
		this.words64[at / 8 + 1] = sector;
		this.bytes[at + AREA_STATUS] = STATUS_UNWRITTEN;
		this.queue.push([
			{ address: area, length: 16 },
			...data,
			{ address: area + BigInt(AREA_STATUS), length: 1, deviceWrites: true },
		], { index, done });
	}

	/** Shows the device what was submitted. */
	kick(): void {
		this.virtio.kick(0, this.queue);
	}

	private status(index: number): number {
		const status = this.bytes[index * AREA_BYTES + AREA_STATUS];
		if (status === STATUS_OK) return 0;
		return status === STATUS_UNSUPPORTED ? ERR.NOT_SUPPORTED : ERR.IO;
	}

	/** The request's answer has been sent, or nobody wants it. */
	private release(index: number): void {
		this.free.push(index);
		const waiting = this.waiting;
		this.waiting = [];
		for (const resolve of waiting) resolve();
	}

	private takeUsed(): void {
		do {
			for (let used = this.queue.pop(); used !== undefined; used = this.queue.pop()) {
				const { index, done } = used.token;
				const status = this.status(index);
				this.release(index);
				done(status);
			}
		} while (!this.queue.enableInterrupts());
	}

	/** Serves the device's interrupts for as long as the driver runs. Throws when it breaks its queue. */
	async run(): Promise<never> {
		if (!this.queue.enableInterrupts()) this.takeUsed();
		for await (const interrupt of this.virtio.interrupt) {
			this.virtio.takeInterrupt();
			try {
				this.takeUsed();
			} catch (error) {
				this.virtio.fail("it broke its queue");
				throw error;
			}
			interrupt.done();
		}
		throw new Error("the interrupt was closed");
	}

	// --- Who it is ---

	/** Asks the device for its serial; `index` names a disk without one. Throws ERR_TIMED_OUT. */
	async identify(index: number): Promise<void> {
		let status: number | undefined;
		this.submit(TYPE_GET_ID, 0n, [
			{ address: this.areas.address + BigInt(this.idOffset()), length: ID_BYTES, deviceWrites: true },
		], (result) => { status = result; });
		this.kick();
		const late = timer.sleep(IDENTIFY_TIMEOUT_MS).then(() => true);
		while (status === undefined) {
			if (this.queue.enableInterrupts()) {
				if (await Promise.race([this.virtio.interrupt.wait().then(() => false), late]))
					throw new Error("the device does not tell its serial");
				this.virtio.takeInterrupt();
			}
			this.takeUsed();
		}
		this.virtio.interrupt.done();
		const id = this.bytes.slice(this.idOffset(), this.idOffset() + ID_BYTES);
		const end = id.indexOf(0);
		const text = Array.from(end < 0 ? id : id.subarray(0, end), printable).join("");
		this.serial = status === 0 && text !== "" ? text : `disk${index}`;
	}

	private idOffset(): number {
		return this.free[this.free.length - 1]! * AREA_BYTES + AREA_ID;
	}

	// --- Clients that are gone ---

	/**
	 * Resolves once the device has done what clients had asked that are gone: a write of theirs could
	 * hit a block that the next one uses, as when a file system's app dies and is started again.
	 */
	async settled(): Promise<void> {
		for (const client of this.clients) client.notice();
		while ([...this.clients].some((client) => client.gone))
			await new Promise<void>((resolve) => this.settling.push(resolve));
	}

	/** The client is gone, and the device has nothing of it any more. */
	left(client: Client): void {
		this.clients.delete(client);
		const settling = this.settling;
		this.settling = [];
		for (const resolve of settling) resolve();
	}

	/** Stops the device. One that does not stop keeps the memory that it has: it may write there. */
	abandon(): void {
		try {
			this.virtio.reset();
		} catch (error) {
			log.error(String(error));
			return;
		}
		this.queue.close();
		this.areas.close();
	}

	tell(): void {
		const kib = this.numSectors / 2n;
		log.info(`disk "${this.serial}": ${kib} KiB${this.readOnly ? ", read-only" : ""}`);
	}
}

/** A character of a serial; what is not printable becomes '?'. */
function printable(code: number): string {
	return code >= 0x20 && code <= 0x7e ? String.fromCharCode(code) : "?";
}
