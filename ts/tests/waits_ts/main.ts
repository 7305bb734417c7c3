// SPDX-License-Identifier: MIT
//
// Waits for what nobody can make come: that is a fault, not the end of a main that is done.
import { app, timer } from "starina";

export default app({
	name: "waits_ts",
	async main() {
		await timer.sleep(1);
		await new Promise(() => {});
	},
});
