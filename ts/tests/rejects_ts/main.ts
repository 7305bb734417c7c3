// SPDX-License-Identifier: MIT
//
// Rejects a promise that nobody handles. One that is handled late, but in the same turn, is fine.
import { app, log, sleep } from "starina";

async function refuse(why: string): Promise<void> {
	await sleep(1);
	throw new RangeError(why);
}

export default app({
	name: "rejects_ts",
	async main() {
		const late = Promise.reject(new Error("late"));
		await Promise.resolve();
		await late.catch(e => log.info(`handled: ${e.message}`));
		void refuse("not today");
		await sleep(1000);
	},
});
