// SPDX-License-Identifier: MIT
//
// Kills apps of the image, drivers too, by a rule, and sees after each time that the system heals:
// chaos_ts.rule="NAME=TIMES ...". The app must be there again as another process that has come so
// far that it waits for work. Who may kill is said by a spec: it needs { system: true }.
import { app, type Env, log, now, type Process, scope, sleep } from "starina";

const PATIENCE_NS = 60_000_000_000n;
const LOOK_EVERY_MS = 10;

/** The app's process, once it waits for work and is not the one of `before`. */
async function settled(env: Env, name: string, before: number): Promise<Process> {
	for (const deadline = now() + PATIENCE_NS; now() < deadline; await sleep(LOOK_EVERY_MS)) {
		const process = env.system.process(name);

		if (process === undefined)
			continue;
		const { id, ended, threads, waiting } = process.info();
		if (id !== before && ended === 0 && threads > 0 && waiting === threads)
			return process;
		process.close();
	}
	throw new Error(`${name} is not there${before === 0 ? "" : " again"}`);
}

async function kill(env: Env, name: string): Promise<void> {
	await scope(async ({ add }) => {
		const victim = add(await settled(env, name, 0));
		const { id } = victim.info();

		victim.kill();
		const next = add(await settled(env, name, id));
		log.info(`${name}: killed, and there again as process ${next.info().id}`);
	});
}

export default app({
	name: "chaos_ts",
	needs: [{ config: "rule", fallback: "" }, { system: true }],
	async main(env) {
		let kills = 0;

		for (const rule of (env.config("rule") ?? "").split(" ").filter(rule => rule !== "")) {
			const [name = "", times = "1"] = rule.split("=");

			for (let n = 0; n < Number(times); n++, kills++)
				await kill(env, name);
		}
		log.info(`${kills} kills, and all is well`);
	},
});
