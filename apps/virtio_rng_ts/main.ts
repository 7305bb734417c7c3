// SPDX-License-Identifier: MIT
//
// Driver of the entropy device (virtio 1.2, 5.4): feeds the kernel's random generator at start and
// now and then. As apps/virtio_rng is in C.

import { app, dma, log, timer } from "starina";
import { DEVICE_ENTROPY, VirtioDevice, type Virtqueue } from "../../ts/virtio";

const SEED_BYTES = 64;
const SEED_INTERVAL_MS = 600_000;
const QUEUE = 0;

/** Waits until the device has used the chain that it has; returns how many bytes it wrote. */
async function written(virtio: VirtioDevice, queue: Virtqueue<true>): Promise<number> {
	for (;;) {
		const used = queue.pop();
		if (used !== undefined) return used.written;
		if (!queue.enableInterrupts()) continue;
		await virtio.interrupt.wait();
		virtio.takeInterrupt();
	}
}

export default app({
	name: "virtio_rng_ts",
	restart: "on fault",
	needs: [{ device: "virtio,device4", optional: true }, { system: true }],

	async main(env) {
		const device = env.device("virtio,device4");
		if (device === undefined) return;
		const virtio = new VirtioDevice(device, DEVICE_ENTROPY, "entropy device");
		virtio.negotiate(0n);
		const queue = virtio.queue<true>(QUEUE, 4);
		const memory = dma(SEED_BYTES);
		const seed = new Uint8Array(memory.buffer, 0, SEED_BYTES);
		virtio.start();

		for (let seeded = false; ; ) {
			// The device may give less than it was asked for, or nothing now.
			let have = 0;
			while (have < SEED_BYTES) {
				const address = memory.address + BigInt(have);
				queue.push([{ address, length: SEED_BYTES - have, deviceWrites: true }], true);
				virtio.kick(QUEUE, queue);
				const more = await written(virtio, queue);
				if (more === 0) break;
				have += more;
			}
			if (have === SEED_BYTES) {
				env.system.seedRandom(seed);
				if (!seeded) log.info(`seeded the random generator with ${SEED_BYTES} bytes`);
				seeded = true;
			}
			seed.fill(0);
			await timer.sleep(SEED_INTERVAL_MS);
		}
	},
});
