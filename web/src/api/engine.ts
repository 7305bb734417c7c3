// SPDX-License-Identifier: MIT
// Calls of docker's API, which the engine serves (docs/engine.md).

import { ApiError, linesOf, request } from "./client";

const ENGINE = "/engine";

// engineRequest: throws an ApiError unless it succeeds.
export function engineRequest(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
	return request(method, ENGINE + path, body === undefined ? undefined : JSON.stringify(body), signal);
}

// engine: the JSON of the answer; null: it has none.
export async function engine<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T | null> {
	const text = await (await engineRequest(method, path, body, signal)).text();
	return text ? (JSON.parse(text) as T) : null;
}

// containerPath: the path of a container, by its number or name.
export function containerPath(name: string): string {
	return `/containers/${encodeURIComponent(name)}`;
}

// pull: brings an image of a registry; `tell` gets what the engine says meanwhile.
export async function pull(image: string, tell: (text: string) => void, signal?: AbortSignal): Promise<void> {
	const response = await engineRequest("POST", `/images/create?fromImage=${encodeURIComponent(image)}`, undefined, signal);
	for await (const line of linesOf(response)) {
		if (!line.trim()) continue;
		const said = JSON.parse(line) as { error?: string; status?: string; id?: string };
		if (said.error) throw new Error(said.error);
		if (said.status) tell(said.id ? `${said.id}: ${said.status}` : said.status);
	}
}

// create: a container, whose image is pulled if it is not there. Returns the container's number.
export async function create(image: string, settings: object, tell: (text: string) => void, signal?: AbortSignal): Promise<string> {
	const make = () => engine<{ Id: string }>("POST", "/containers/create", { Image: image, ...settings }, signal);
	try {
		return (await make())!.Id;
	} catch (error) {
		if (!(error instanceof ApiError) || error.status !== 404) throw error;
	}
	tell(`${image} is not here yet: it is pulled`);
	await pull(image, tell, signal);
	return (await make())!.Id;
}
