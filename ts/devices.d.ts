// SPDX-License-Identifier: MIT
//
// Memory that moves between apps and devices, and devices, for drivers.

declare module "starina" {
	export interface Env {
		/**
		 * The `index`th device that matches the `compatible` of a need; undefined past the last. It is the
		 * same object each time.
		 */
		device(name: string, index?: number): Device | undefined;
		/**
		 * Memory that outlives the app's process: what the last instance wrote is in it. It can be mapped,
		 * and not sent. undefined: an optional need that is not met.
		 */
		kept(name: string): Folio | undefined;
		/** For who needs `system`. */
		readonly system: {
			/** Mixes the bytes into the kernel's random generator. */
			seedRandom(bytes: Bytes): void;
			/** Says what time it is: nanoseconds since 1970. */
			setClock(ns: bigint): void;
			/** Powers the machine off; 0 is success. */
			powerOff(code?: number): void;
			/** The running process of an app of the image, drivers too; undefined: it does not run. */
			process(name: string): Process | undefined;
			/** Starts an app of the image. Throws ERR_NOT_FOUND, ERR_BAD_STATE (it runs). */
			start(name: string): Process;
		};
	}

	/** A process of somebody else. Closing it leaves the process alone. */
	export interface Process extends Handle {
		/** Ends it, as a fault would. Throws ERR_BAD_STATE when it has ended. */
		kill(): void;
		/** What it is and does now. `ended` is 0 or 1; `memory` is bytes; `waiting`: of its threads. */
		info(): {
			id: number; ended: number; restarts: number; threads: number; waiting: number; handles: number;
			memory: number;
		};
	}

	/**
	 * Memory of its own, in whole pages of 4096 bytes, that can be mapped and sent in messages. Who
	 * sends it has it no more.
	 */
	export interface Folio extends Handle {
		/** Bytes, a multiple of 4096. */
		readonly size: number;
		/** Whether it is in one piece: one that is not is populated as it is touched. */
		readonly contiguous: boolean;
		/** Whether it was duplicated: nobody can write to it any more. */
		readonly readOnly: boolean;
		/**
		 * Where a device finds it, for apps whose spec needs a device. Who has asked for it closes the
		 * folio or sends it away when the device is done with it: it is not closed as garbage, for the
		 * device may still write to it. Throws ERR_NOT_SUPPORTED (it is not contiguous), ERR_ACCESS (the
		 * app has no device).
		 */
		readonly address: bigint;
		/**
		 * Its memory: the same buffer each time, until the folio is closed or sent. Then the buffer is
		 * detached: its length is 0. Of a folio that is read-only it is a copy, and another one each
		 * time.
		 */
		map(): ArrayBuffer;
	}

	/**
	 * A folio of `size` bytes (rounded up to pages), all 0. One that is contiguous, as it is unless
	 * `contiguous` is false, has an address and at most 4 MiB. Throws ERR_NO_MEMORY, ERR_LIMIT,
	 * ERR_TOO_LARGE, ERR_INVALID.
	 */
	export function folio(size: number, options?: { contiguous?: boolean }): Folio;

	/** A folio with a copy of the bytes. Throws as folio(). */
	export function folioWith(bytes: Bytes): Folio;

	export type Bytes = ArrayBuffer | Uint8Array | Uint16Array | Uint32Array | BigUint64Array
		| Int8Array | Int16Array | Int32Array | BigInt64Array | Float32Array | Float64Array;

	/** What a message carries: inline when it is short, else in a folio that the receiver owns. */
	export const payload: {
		/** A `data` message with a copy of the bytes. Throws ERR_TOO_LARGE (over 4 MiB), as folio(). */
		make(bytes: Uint8Array): DataMessage;
		/**
		 * The bytes of a `data` message. Those in a folio are there until it is closed: `close` does that.
		 * Throws ERR_PROTOCOL when the message's range is not in its folio, which is closed then.
		 */
		open(message: DataMessage): Payload;
	};

	export interface Payload {
		readonly bytes: Uint8Array;
		/** Of bytes that are in the message itself there is none. */
		readonly folio?: Folio;
		close(): void;
	}

	/**
	 * A device's registers. Each function makes one access of exactly its width. What was read comes
	 * before all that follows, and all that was done before comes before what is written, memory and
	 * other registers alike. Throws ERR_RANGE (outside the registers), ERR_INVALID (`offset` is no
	 * multiple of the width, or the value does not fit).
	 */
	export interface Registers extends Handle {
		/** Bytes. */
		readonly size: number;
		read8(offset: number): number;
		read16(offset: number): number;
		read32(offset: number): number;
		read64(offset: number): bigint;
		write8(offset: number, value: number): void;
		write16(offset: number, value: number): void;
		write32(offset: number, value: number): void;
		/** The low 64 bits of the value. */
		write64(offset: number, value: bigint): void;
	}

	/**
	 * A device's interrupt. `for await (const _ of interrupt)` has a turn for each; one is over when
	 * the next is waited for, or done() says so. Closing it ends the iteration.
	 */
	export interface Interrupt extends Handle {
		/**
		 * Resolves when it is raised. Says first that the last one is done. Throws ERR_BAD_STATE while
		 * somebody waits already.
		 */
		wait(): Promise<Interrupt>;
		/** The last one is done: the device's line may raise it again. */
		done(): void;
		next(): Promise<IteratorResult<Interrupt, undefined>>;
		[Symbol.asyncIterator](): Interrupt;
	}

	export interface Device {
		/** The `compatible` by which it was found. */
		readonly name: string;
		readonly registers: Registers;
		/** Most have one. */
		readonly interrupt?: Interrupt;
	}

	/** Memory that is shared with a device, all 0 at first. */
	export interface Dma {
		readonly size: number;
		/** Where the device finds it. */
		readonly address: bigint;
		/** Its memory; detached once it is closed. */
		readonly buffer: ArrayBuffer;
		readonly folio: Folio;
		/** Gives the memory back. The device must not use it any more. */
		close(): void;
	}

	/** Throws as folio() and Folio.address. It is given back by close(), or with the app. */
	export function dma(size: number): Dma;

	/**
	 * Orders all that this app did to memory and registers before it against all that it does after
	 * it, as devices see it (the instruction `fence iorw, iorw`). Needed between two accesses to
	 * memory that a device reads and writes at the same time: between the entries of a ring and the
	 * index that shows them, between an index that was read and the entries. Registers bring their
	 * own.
	 */
	export function fence(): void;
}
