// SPDX-License-Identifier: MIT
//
// Driver of the block devices: the "blkdev" service (libs/abi/blkdev.h). As apps/virtio_blk is in C.

import { app, ERR, log, services, type Channel, type Device } from "starina";
import { Client, closeHandles, isSystemError } from "./client";
import { Disk } from "./disk";

const MAX_DISKS = 8;

const disks: Disk[] = [];

/** The disk that a URI names, "blk:SERIAL" or "blk:SERIAL@SECTOR", and where it begins. */
function find(uri: string): { disk: Disk; first: bigint } | undefined {
	for (const disk of disks) {
		const prefix = `blk:${disk.serial}`;
		if (uri === prefix) return { disk, first: 0n };
		if (!uri.startsWith(`${prefix}@`)) continue;
		const digits = uri.slice(prefix.length + 1);
		if (!/^[0-9]{1,20}$/.test(digits) || BigInt(digits) >= disk.numSectors) continue;
		return { disk, first: BigInt(digits) };
	}
	return undefined;
}

/** A connection to the service: open requests, answered one after the other. */
async function session(client: Channel): Promise<void> {
	for await (const message of client) {
		if (message.type !== "open") {
			closeHandles(message);
			client.send({ type: "error", id: 0, error: ERR.PROTOCOL, tail: "blkdev understands open requests only" });
			continue;
		}
		const found = find(message.tail);
		if (found === undefined) {
			const tail = 'no such disk: it is "blk:SERIAL", see the log';
			client.send({ type: "error", id: message.id, error: ERR.NOT_FOUND, tail });
			continue;
		}
		await found.disk.settled();
		const end = Client.open(found.disk, found.first);
		try {
			client.send({ type: "open_reply", id: message.id, handles: [end] });
		} catch (error) {
			end.close();
			throw error;
		}
	}
}

/** A session that ends by an error is its client's matter, not the driver's. */
async function serve(client: Channel): Promise<void> {
	try {
		await session(client);
	} catch (error) {
		if (!isSystemError(error)) throw error;
	} finally {
		client.close();
	}
}

/** Starts a device. One that does not work does not keep the others from working. */
async function start(device: Device, index: number): Promise<void> {
	let disk: Disk | undefined;
	try {
		disk = new Disk(device);
		await disk.identify(index);
		disk.tell();
		disks.push(disk);
		// A queue that breaks later ends the driver, as in C: its next start resets all devices.
		void disk.run();
	} catch (error) {
		log.error(`cannot use block device ${index}: ${error}`);
		disk?.abandon();
	}
}

export default app({
	name: "virtio_blk_ts",
	restart: "on fault",
	provides: ["blkdev"],
	needs: [{ device: "virtio,device2", optional: true }],

	async main(env) {
		for (let i = 0; ; i++) {
			const device = env.device("virtio,device2", i);
			if (device === undefined) break;
			if (disks.length === MAX_DISKS) {
				log.warn(`more than ${MAX_DISKS} block devices: the others are not used`);
				break;
			}
			await start(device, i);
		}
		for await (const client of services.provide("blkdev")) void serve(client);
	},
});
