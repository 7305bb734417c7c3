// SPDX-License-Identifier: MIT
//
// Somebody who has a disk open, and what it asks for.

import { channel, ERR, type Channel, type Folio, type Handle, type Outgoing } from "starina";
import { type Disk, TYPE_FLUSH, TYPE_READ, TYPE_WRITE } from "./disk";

const SECTOR_SIZE = 512;
const MAX_REQUESTS = 32;
const MAX_BYTES = 1024 * 1024;
const READ_ONLY = 1; // BLKDEV_READ_ONLY

interface Transfer {
	type: "blkdev_read" | "blkdev_write";
	sector: bigint;
	id: number;
	offset: number;
	length: number;
	handles: Handle[];
}

export class Client {
	/** Its end of the channel is closed. It stays in the disk's list until the device is done. */
	gone = false;
	private inFlight = 0;

	private constructor(
		private readonly disk: Disk,
		private readonly firstSector: bigint, // its disk begins there
		private readonly channel: Channel,
	) {}

	/** Opens the disk from `firstSector` on; returns the client's end. */
	static open(disk: Disk, firstSector: bigint): Channel {
		const [ours, theirs] = channel();
		const client = new Client(disk, firstSector, ours);
		ours.send({
			type: "blkdev_info",
			num_sectors: disk.numSectors - firstSector,
			flags: disk.readOnly ? READ_ONLY : 0,
			serial: disk.serial,
		});
		disk.clients.add(client);
		void client.serve();
		return theirs;
	}

	/** Finds out whether it is gone, at once. What it asked and was not taken yet is dropped. */
	notice(): void {
		if (!this.gone && this.channel.peerClosed) this.leave();
	}

	private leave(): void {
		if (this.gone) return;
		this.gone = true;
		this.channel.close();
		if (this.inFlight === 0) this.disk.left(this);
	}

	private async serve(): Promise<void> {
		for await (const message of this.channel) {
			while (!this.gone && !this.disk.hasRoom) await this.disk.room();
			// Others may have the disk open by now: what waited for room is not done any more.
			if (this.gone) {
				closeHandles(message);
				return;
			}
			switch (message.type) {
				case "blkdev_read":
				case "blkdev_write":
					this.transfer(message);
					break;
				case "blkdev_flush":
					this.flush(message.id);
					break;
				default:
					closeHandles(message);
					this.send({ type: "error", id: 0, error: ERR.PROTOCOL, tail: "a disk understands read, write and flush" });
			}
			this.disk.kick();
		}
		this.leave();
	}

	private send(message: Outgoing): boolean {
		try {
			this.channel.send(message);
			return true;
		} catch (error) {
			if (!isSystemError(error)) throw error;
			return false;
		}
	}

	/** Refuses a request; its folio goes back. Who does not even read the refusals loses it. */
	private refuse(id: number, status: number, handles: Handle[]): void {
		if (this.send({ type: "blkdev_reply", id, status, handles })) return;
		for (const handle of handles) handle.close();
	}

	private async answer(id: number, status: number, handles: Handle[]): Promise<void> {
		try {
			if (!this.gone) await this.channel.sendWait({ type: "blkdev_reply", id, status, handles });
		} catch (error) {
			if (!isSystemError(error)) throw error;
		}
		for (const handle of handles) handle.close();
		this.inFlight--;
		if (this.gone && this.inFlight === 0) this.disk.left(this);
	}

	/** Why a read or write is refused; 0: it is not. */
	private check(request: Transfer, folio: Folio): number {
		const { sector, offset, length } = request;
		if (length === 0 || length % SECTOR_SIZE !== 0 || offset % SECTOR_SIZE !== 0) return ERR.INVALID;
		if (length > MAX_BYTES) return ERR.TOO_LARGE;
		if (sector + BigInt(length / SECTOR_SIZE) > this.disk.numSectors - this.firstSector) return ERR.RANGE;
		const write = request.type === "blkdev_write";
		if (write && this.disk.readOnly) return ERR.ACCESS;
		if (!folio.contiguous) return ERR.NOT_SUPPORTED; // it has no one address
		// Others have it, and it stays as it is.
		if (!write && folio.readOnly) return ERR.ACCESS;
		if (offset + length > folio.size) return ERR.RANGE;
		return this.inFlight < MAX_REQUESTS ? 0 : ERR.FULL;
	}

	private transfer(request: Transfer): void {
		const [folio] = request.handles;
		if (!isFolio(folio)) {
			folio?.close();
			this.send({ type: "error", id: 0, error: ERR.PROTOCOL, tail: "a transfer has a blkdev_request and one folio" });
			return;
		}
		const status = this.check(request, folio);
		if (status !== 0) {
			this.refuse(request.id, status, request.handles);
			return;
		}
		const write = request.type === "blkdev_write";
		const address = folio.address + BigInt(request.offset);
		this.inFlight++;
		this.disk.submit(write ? TYPE_WRITE : TYPE_READ, this.firstSector + request.sector,
			[{ address, length: request.length, deviceWrites: !write }],
			(result) => void this.answer(request.id, result, request.handles));
	}

	private flush(id: number): void {
		if (this.inFlight >= MAX_REQUESTS) {
			this.refuse(id, ERR.FULL, []);
		} else if (!this.disk.flushes) {
			// Without the feature all that was written is stable already (5.2.6.2).
			this.refuse(id, 0, []);
		} else {
			this.inFlight++;
			this.disk.submit(TYPE_FLUSH, 0n, [], (result) => void this.answer(id, result, []));
		}
	}
}

/** Closes what came with a message that nobody serves. */
export function closeHandles(message: object): void {
	if ("handles" in message) for (const handle of message.handles as Handle[]) handle.close();
}

/** Whether the system said no, as it does when a channel is full or its peer is gone. */
export function isSystemError(error: unknown): boolean {
	return error instanceof Error && error.name === "StarinaError";
}

function isFolio(handle: Handle | undefined): handle is Folio {
	return handle !== undefined && "map" in handle;
}
