// SPDX-License-Identifier: MIT
//
// What messages cost between an app in TypeScript and one in C (apps/echo), in instructions, for
// the counted clock of tools/bench says one a nanosecond. Ten thousand of them go through memory
// that would not hold their garbage, and leave none. What another app takes to its main, and when it
// is there.
import { app, type Channel, type EchoMessage, type Env, log, now, sleep, usage } from "starina";

const ROUNDS = 5;
const MESSAGES = 100;
const SOME = 1000n;
const MANY = 10_000n;
// What memory may differ by without anything that piles up: a byte a request would be more.
const GROWTH_MAX = 4096;
const START = "bench_start_ts";

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

async function requests(channel: Channel, first: bigint, last: bigint): Promise<number> {
	for (let id = first; id <= last; id++) {
		const answer = await channel.request({ type: "echo", id, tail: new Uint8Array(64) });

		if (answer.type !== "echo" || answer.id !== id || answer.tail.length !== 64)
			throw new Error(`not the answer to ${id}`);
	}
	return usage({ collect: true }).memory;
}

async function measureGrowth(channel: Channel): Promise<void> {
	const some = await requests(channel, 1n, SOME);
	const many = await requests(channel, SOME + 1n, MANY);

	log.info(`memory after ${SOME} requests: ${some}, after ${MANY}: ${many}`);
	if (many > some + GROWTH_MAX)
		throw new Error(`${many - some} bytes of garbage have piled up`);
}

// When the main of START began, and what its process takes; it ends.
async function started(env: Env): Promise<{ begin: bigint; memory: number }> {
	const channel = await env.service("started");
	const answer = await channel.request<EchoMessage>({ type: "echo" });
	const process = env.system.process(START);

	if (process === undefined)
		throw new Error(`${START} does not run`);
	const { memory } = process.info();
	channel.close();
	while (process.info().ended === 0)
		await sleep(1);
	process.close();
	return { begin: new BigUint64Array(answer.tail.slice().buffer)[0]!, memory };
}

async function measureStart(env: Env): Promise<void> {
	let least = Number.MAX_SAFE_INTEGER, memory = 0;

	await started(env); // the one that runs since the boot
	for (let round = 0; round < ROUNDS; round++) {
		const begin = now();

		env.system.start(START).close();
		const app = await started(env);
		least = Math.min(least, Number(app.begin - begin));
		memory = app.memory;
	}
	log.info(`figure ts_start ${least}`);
	log.info(`figure ts_memory_bytes ${memory}`);
}

export default app({
	name: "bench_ts",
	needs: [{ service: "echo" }, { service: "started" }, { system: true }],
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
		await measureGrowth(channel);
		await measureStart(env);
		log.info("bench: done");
		env.system.powerOff(0);
	},
});
