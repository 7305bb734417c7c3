// SPDX-License-Identifier: MIT
// Requests to the API, with the token. Errors are told as the system words them.

import { token } from "./token";

export const API = "/api/v1/";

export class ApiError extends Error {
	constructor(
		readonly status: number,
		readonly code: string,
		message: string,
	) {
		super(message);
		this.name = "ApiError";
	}
}

// Of answers without an error of the API in them.
const REASONS: Record<number, string> = { 413: "this is larger than the system takes" };

async function errorOf(response: Response, what: string): Promise<ApiError> {
	try {
		// The engine has its message beside no code, as docker's API does.
		const answer = (await response.json()) as { error?: { code: string; message: string }; message?: string };
		const { code, message } = answer.error ?? { code: "engine", message: answer.message! };
		return new ApiError(response.status, String(code), String(message));
	} catch {
		const reason = REASONS[response.status] ?? `the system answered ${response.status} and gave no reason`;
		return new ApiError(response.status, "no_reason", `${what}: ${reason}`);
	}
}

// request: any route of the system. Throws an ApiError unless it succeeds.
export async function request(method: string, path: string, body?: BodyInit, signal?: AbortSignal): Promise<Response> {
	const headers: Record<string, string> = { Authorization: `Bearer ${token.value}` };
	if (typeof body === "string") headers["Content-Type"] = "application/json";
	let response: Response;
	try {
		response = await fetch(path, { method, headers, body: body ?? null, signal: signal ?? null, cache: "no-store" });
	} catch (error) {
		if (signal?.aborted) throw error;
		throw new ApiError(0, "unreachable", "The system does not answer. It may be restarting: this page goes on trying.");
	}
	if (!response.ok) throw await errorOf(response, `${method} ${path}`);
	return response;
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
	return (await (await request("GET", API + path, undefined, signal)).json()) as T;
}

// send: a request that changes something; returns the JSON of the answer, if it has any.
export async function send(method: string, path: string, body?: unknown): Promise<unknown> {
	const response = await request(method, API + path, body === undefined ? undefined : JSON.stringify(body));
	const text = await response.text();
	return text ? (JSON.parse(text) as unknown) : null;
}

// linesOf: the lines of an answer as they come, until it ends.
export async function* linesOf(response: Response): AsyncGenerator<string> {
	const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
	let rest = "";
	for (;;) {
		const { done, value } = await reader.read();
		const lines = (rest + (value ?? "")).split("\n");
		rest = done ? "" : lines.pop()!;
		yield* lines;
		if (done) return;
	}
}

// stream: the lines of an NDJSON answer, one value each, until it ends or `signal` aborts it.
export async function* stream<T>(method: string, path: string, body: unknown, signal: AbortSignal): AsyncGenerator<T> {
	const response = await request(method, API + path, body === undefined ? undefined : JSON.stringify(body), signal);
	for await (const line of linesOf(response)) if (line) yield JSON.parse(line) as T;
}

// openSocket: a WebSocket of the API. The token goes as a subprotocol: never in an address.
export function openSocket(path: string): WebSocket {
	const url = new URL(API + path, location.href);
	url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
	const socket = new WebSocket(url, ["starina.v1", `token.${token.value}`]);
	socket.binaryType = "arraybuffer";
	return socket;
}

// closeSocket: ends it for good; one that is not open yet ends once it is, for the browser takes less for an error.
export function closeSocket(socket: WebSocket): void {
	socket.onmessage = socket.onclose = null;
	if (socket.readyState === WebSocket.CONNECTING) socket.onopen = () => socket.close();
	else socket.close();
}

// say: an error in words for a person.
export function say(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}
