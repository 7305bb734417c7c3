// SPDX-License-Identifier: MIT
//
// Starts loaded apps again by a rule: supervisor.rule="NAME=TIMES", each app at most so often.
import { app, log } from "starina";

// enum apps_state, libs/abi/apps.h
const LOADED = 0;

export default app({
	name: "supervisor",
	needs: [{ service: "apps" }, { config: "rule", fallback: "worker=2" }],
	async main(env) {
		const [name = "", times = "0"] = (env.config("rule") ?? "").split("=");
		const apps = await env.service("apps");
		let left = Number(times);

		await apps.request({ type: "apps_watch" });
		log.info(`watching ${name}`);
		for await (const event of apps) {
			if (event.type !== "apps_event" || event.name !== name || event.state !== LOADED || event.tail !== "ended")
				continue;
			if (left === 0) {
				log.warn(`${name} has ended once too often`);
				return;
			}
			left--;
			log.info(`${name} has ended: to be started again, ${left} times left`);
			apps.send({ type: "apps_start", id: 1, flags: 0, name, memory_limit: 0n, kernel_limit: 0n, handle_limit: 0,
				thread_limit: 0 });
		}
	},
});
