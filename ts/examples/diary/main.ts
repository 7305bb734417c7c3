// SPDX-License-Identifier: MIT
//
// Keeps a diary in the share "notes": ./run.sh --share notes=DIR.
import { app, files, log } from "starina";

export default app({
	name: "diary",
	needs: [{ service: "files" }],
	async main() {
		const notes = files.share("notes");
		const old = await notes.readText("diary.txt").catch(() => "");

		await notes.write("diary.txt", `${old}${new Date().toISOString()}\n`);
		for (const { name, type, size } of await notes.list())
			log.info(`${name}: ${type}, ${size} bytes`);
		notes.close();
	},
});
