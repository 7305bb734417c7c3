// SPDX-License-Identifier: MIT
// What a new app begins with.

export function newApp(name: string): string {
	return `import { app, log, sleep } from "starina";

export default app({
	name: ${JSON.stringify(name)},
	async main() {
		for (let i = 1; ; i++) {
			log.info(\`good morning, \${i}\`);
			await sleep(1000);
		}
	},
});
`;
}
