// SPDX-License-Identifier: MIT
// From the TypeScript of an app to its file, which the system loads: as ts/tool makes it on the host.

import { makeAppFile } from "../../../ts/tool/app_file.mjs";
import { makeScript } from "../../../ts/tool/script.mjs";
import { readSpec, SpecError } from "../../../ts/tool/spec.mjs";
import { PATIENCE_MS, specOf, tooLate } from "../../../ts/tool/top_level.mjs";
import type { FromCompiler, ToCompiler } from "./messages";
import type { Problem } from "./problem";

export interface BuiltApp {
	name: string;
	file: Uint8Array<ArrayBuffer>;
}

export class BuildError extends Error {
	constructor(readonly problem: Problem) {
		super(problem.text);
	}
}

function buildError(text: string, line: number | null = null): BuildError {
	return new BuildError({ line, column: null, text });
}

// made: the app file of a script and what its top level said.
function made(file: string, script: string, { answer, line }: Extract<FromCompiler, { kind: "ran" }>): BuiltApp {
	try {
		const spec = readSpec(specOf(answer, line === null ? null : `${file}:${line}`));
		const lines = script.split("\n").map((_, i) => ({ source: 0, line: i + 1 }));
		return { name: spec.name, file: makeAppFile(spec, makeScript(script, [file], lines)) as Uint8Array<ArrayBuffer> };
	} catch (error) {
		if (error instanceof SpecError) throw buildError(error.message, line);
		throw error;
	}
}

// build: throws a BuildError. The worker ends with it: a top level that never ends is ended.
export function build(file: string, source: string): Promise<BuiltApp> {
	return new Promise((resolve, reject) => {
		const worker = new Worker("app_worker.js", { type: "module" });
		let script: string | null = null;
		const end = (settle: () => void) => {
			clearTimeout(patience);
			worker.terminate();
			try {
				settle();
			} catch (error) {
				reject(error);
			}
		};
		const patience = setTimeout(() => end(() => reject(buildError(tooLate().message))), PATIENCE_MS);
		worker.onerror = () => end(() => reject(buildError("the compiler could not be started")));
		worker.onmessage = ({ data }: MessageEvent<FromCompiler>) => {
			if (data.kind === "refused") end(() => reject(new BuildError(data.problem)));
			else if (data.kind === "compiled") script ??= data.script;
			else if (script !== null) end(() => resolve(made(file, script!, data)));
		};
		worker.postMessage({ source } satisfies ToCompiler);
	});
}
