// SPDX-License-Identifier: MIT
//
// The driver of disks of apps/virtio_blk_ts, with clients that die and disks that do not work.
import assert from "node:assert/strict";
import test from "node:test";

import driver from "../../apps/virtio_blk_ts/main";
import { Client } from "../../apps/virtio_blk_ts/client";
import { MAGIC, REGISTER, STATUS, VERSION_MODERN } from "../virtio/spec";

/** All microtasks that there are. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A disk whose requests are all in use until `free`. */
class FullDisk {
	numSectors = 100n;
	clients = new Set();
	hasRoom = false;
	submitted = [];

	room() {
		return new Promise((resolve) => { this.free = () => { this.hasRoom = true; resolve(); }; });
	}

	submit(type, sector) {
		this.submitted.push(sector);
	}

	left(client) {
		this.clients.delete(client);
	}

	kick() {}
}

function writeOf(sector) {
	const folio = { map() {}, contiguous: true, address: 0n, size: 4096, closed: false, close() { folio.closed = true; } };
	return { type: "blkdev_write", id: 1, sector, offset: 0, length: 512, handles: [folio] };
}

for (const dies of [false, true]) {
	test(`a write that waits for room ${dies ? "is dropped with its client" : "is done"}`, async () => {
		const disk = new FullDisk();
		Client.open(disk, 0n);
		const [client] = disk.clients;
		const message = writeOf(7n);
		client.channel.give(message);
		await settle();
		if (dies) {
			client.channel.peerClosed = true;
			client.notice();
			assert.equal(disk.clients.size, 0); // others may open the disk
		}
		disk.free();
		await settle();
		assert.deepEqual(disk.submitted, dies ? [] : [7n]);
		assert.equal(message.handles[0].closed, dies);
	});
}

/** A disk that can be set up, and then says nothing more: not its serial, nor that it is reset. */
function deadDisk() {
	let status = 0;
	let resets = 0;
	const values = {
		[REGISTER.MAGIC]: MAGIC, [REGISTER.VERSION]: VERSION_MODERN, [REGISTER.DEVICE_ID]: 2,
		[REGISTER.DEVICE_FEATURES]: 1, [REGISTER.QUEUE_NUM_MAX]: 8,
	};
	const registers = {
		size: 0x200,
		read32: (offset) => offset === REGISTER.STATUS ? status : values[offset] ?? 0,
		write32(offset, value) {
			if (offset !== REGISTER.STATUS) return;
			if (value === 0) resets++;
			status = value === 0 && resets > 1 ? STATUS.DRIVER_OK : value;
		},
	};
	return { registers, interrupt: { wait: () => new Promise(() => {}), done() {} }, numResets: () => resets };
}

test("a disk that does not even stop leaves the others their driver", async () => {
	const devices = [deadDisk(), deadDisk()];
	await driver.main({ device: (name, index) => devices[index] });
	assert.deepEqual(devices.map((device) => device.numResets()), [2, 2]);
});
