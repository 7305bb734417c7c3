// SPDX-License-Identifier: MIT
//
// What messages cost between an app in TypeScript and one in C (apps/echo), in instructions, for
// the counted clock of tools/bench says one a nanosecond. Ten thousand of them go through memory
// that would not hold their garbage.
import { app, log, now, type Channel } from "starina";

const ROUNDS = 5;
const MESSAGES = 100;
const MANY = 10_000n;

// What one of MESSAGES takes, at best.
async function measure(name: string, exchange: (id: bigint) => Promise<unknown>): Promise<void> {
	let least = Number.MAX_SAFE_INTEGER;

	for (let round = 0; round < ROUNDS; round++) {
		const start = now();

		for (let n = 0; n < MESSAGES; n++)
			await exchange(1n);
		least = Math.min(least, Number(now() - start));
	}
	log.info(`figure ${name} ${Math.round(least / MESSAGES)}`);
}

async function requests(channel: Channel): Promise<void> {
	for (let id = 1n; id <= MANY; id++) {
		const answer = await channel.request({ type: "echo", id, tail: new Uint8Array(64) });

		if (answer.type !== "echo" || answer.id !== id || answer.tail.length !== 64)
			throw new Error(`not the answer to ${id}`);
	}
}

export default app({
	name: "bench_ts",
	needs: [{ service: "echo" }, { system: true }],
	limits: { memory: 2 * 1024 * 1024 },
	async main(env) {
		const channel = await env.service("echo");

		await measure("ts_request_0", (id) => channel.request({ type: "echo", id }));
		await measure("ts_recv_0", (id) => {
			channel.send({ type: "echo", id });
			return channel.recv();
		});
		await measure("ts_next_0", (id) => {
			channel.send({ type: "echo", id });
			return channel.next();
		});
		await measure("ts_await", () => Promise.resolve());
		await requests(channel);
		log.info("bench: done");
		env.system.powerOff(0);
	},
});
