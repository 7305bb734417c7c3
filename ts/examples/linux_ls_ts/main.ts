// SPDX-License-Identifier: MIT
//
// Linux programs: one whose output is wanted, and one that is talked to while it runs.
import { app, linux, log } from "starina";

export default app({
	name: "linux_ls_ts",
	needs: [{ service: "commands" }],

	async main() {
		const ls = await linux.command("ls", "-l", "/").output();

		log.info(ls.stdoutText);

		const sort = await linux.command("sort").env("LC_ALL", "C").spawn();
		await sort.stdin.write("pear\napple\nfig\n");
		await sort.stdin.end();
		for await (const piece of sort.stdout)
			log.info(new TextDecoder().decode(piece));
		const { status } = await sort.wait();
		log.info(`sort has ended with status ${status}`);
	},
});
