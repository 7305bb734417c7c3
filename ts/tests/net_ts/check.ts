// SPDX-License-Identifier: MIT
import { sleep } from "starina";

export function equal(actual: unknown, expected: unknown, what: string) {
	if (actual !== expected)
		throw new Error(`${what}: ${JSON.stringify(actual)} is not ${JSON.stringify(expected)}`);
}

export async function rejects(promise: Promise<unknown>, code: string | undefined, text: string, what: string) {
	try {
		await promise;
	} catch (error) {
		const { code: got, message } = error as { code?: string; message: string };
		if (code !== undefined)
			equal(got, code, `${what}: ${message}`);
		equal(message.includes(text), true, `${what}: ${message}`);
		return;
	}
	throw new Error(`${what}: there was no error`);
}

/** Waits until it is so; a test that waits for ever is ended from outside. */
export async function until(is: () => boolean, what: string) {
	for (let turns = 0; !is(); turns++) {
		if (turns === 100)
			console.info(`still waiting: ${what}`);
		await sleep(50);
	}
}
