// SPDX-License-Identifier: MIT
//
// HTTP, both sides (needs: [{ service: "tcpip" }]).

/** Fields of a head, as the standard "Fetch" has them: names in lower case, several of one joined by commas. */
declare class Headers implements Iterable<[string, string]> {
	constructor(init?: Headers | Iterable<readonly [string, string]> | Record<string, string> | null);
	append(name: string, value: string): void;
	set(name: string, value: string): void;
	get(name: string): string | null;
	getSetCookie(): string[];
	has(name: string): boolean;
	delete(name: string): void;
	forEach(fn: (value: string, name: string, headers: Headers) => void, self?: unknown): void;
	entries(): IterableIterator<[string, string]>;
	keys(): IterableIterator<string>;
	values(): IterableIterator<string>;
	[Symbol.iterator](): IterableIterator<[string, string]>;
}

/** What can be a body: pieces of an iterable are sent as they come. */
type BodyInit = string | Uint8Array | ArrayBuffer | AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array> | null;

/** A response, as the standard "Fetch" has it. */
declare class Response {
	/**
	 * A string without a content-type is text/plain. A body that is iterated is sent in chunks, as fast as
	 * the client takes them; when the client goes, the iterator's return() is called.
	 */
	constructor(body?: BodyInit, init?: { status?: number; headers?: Headers | Iterable<readonly [string, string]> | Record<string, string> });
	static json(value: unknown, init?: { status?: number; headers?: Headers | Iterable<readonly [string, string]> | Record<string, string> }): Response;
	/** Elsewhere: 302 if no status is said. */
	static redirect(url: string, status?: number): Response;
	readonly status: number;
	/** Whether the status is 200 to 299. */
	readonly ok: boolean;
	readonly headers: Headers;
	/** The body piece by piece, once; null: there is none. */
	readonly body: AsyncIterable<Uint8Array> | null;
	readonly bodyUsed: boolean;
	/** All of the body. Rejects with ERR_TOO_LARGE beyond `max` bytes, 4 MiB if it is not said. */
	bytes(max?: number): Promise<Uint8Array>;
	text(max?: number): Promise<string>;
	json(max?: number): Promise<any>;
}

declare module "starina" {
	/** What a client asks of http.serve. */
	export interface HttpRequest {
		readonly method: string;
		/** "http://HOST/PATH?QUERY", HOST as the client says it. */
		readonly url: string;
		readonly headers: Headers;
		/**
		 * The body piece by piece, once; null: there is none. Nothing is taken before it is asked for, so the
		 * client waits for who reads. Rejects with ERR_PEER_CLOSED when the client goes before its end, or the
		 * whole answer was sent before.
		 */
		readonly body: AsyncIterable<Uint8Array> | null;
		readonly bodyUsed: boolean;
		/** All of the body. Beyond `max` bytes, 4 MiB if it is not said, the client is answered with 413. */
		bytes(max?: number): Promise<Uint8Array>;
		text(max?: number): Promise<string>;
		json(max?: number): Promise<any>;
		/** Resolves when the client has gone before it had the response; otherwise never. */
		readonly gone: Promise<void>;
		/** Whether it asks for a WebSocket. */
		readonly isUpgrade: boolean;
		/**
		 * Makes a WebSocket of the request; what the handler returns does not matter then. `protocol` is one
		 * of those that the client offers, `maxMessage` the bytes of its messages, 1 MiB if it is not
		 * said. Throws ERR_PROTOCOL when the request does not ask for one; the client is answered with
		 * 426 if nobody catches it.
		 */
		upgrade(options?: { protocol?: string; maxMessage?: number }): WebSocket;
	}

	/**
	 * A WebSocket: `for await (const message of socket)` has what the client says, texts as strings, and ends
	 * with it. Pings are answered. Messages that nobody reads are left to the client after a few.
	 */
	export interface WebSocket extends AsyncIterableIterator<string | Uint8Array> {
		next(): Promise<IteratorResult<string | Uint8Array, undefined>>;
		return(): Promise<IteratorResult<string | Uint8Array, undefined>>;
		[Symbol.asyncIterator](): WebSocket;
		/** Throws ERR_FULL, and sends nothing, when the client does not take what was sent; ERR_PEER_CLOSED when it is closed. */
		send(message: string | Uint8Array): void;
		/** The same, and waits for room. */
		sendWait(message: string | Uint8Array): Promise<void>;
		/** Resolves when one more may be sent. */
		writable(): Promise<void>;
		/** Closes it with a code, 1000 if it is not said, and a reason of at most 123 bytes. */
		close(code?: number, reason?: string): void;
		readonly closed: boolean;
	}

	/** A server that listens. The app goes on for as long as it does. */
	export interface HttpServer {
		/** Listens no more, and closes all connections. */
		close(): void;
	}

	export const http: {
		/**
		 * Answers HTTP at a port, and resolves once it listens; a port that is in use is waited for. What the
		 * handler throws is logged, and the client is answered with 500. `address`: where, all if it is not
		 * said. `maxRequests`: how many are answered at a time, 256 if it is not said; others have 503.
		 */
		serve(
			port: number,
			handler: (request: HttpRequest) => Response | void | Promise<Response | void>,
			options?: { address?: string; maxRequests?: number },
		): Promise<HttpServer>;
		/**
		 * Asks a server, by http: only, and resolves when the head of its answer is there, whatever its status:
		 * nothing is followed. A body of pieces is sent in chunks, or as its content-length says. Rejects with
		 * ERR_REFUSED, ERR_NOT_FOUND (no such host), ERR_PEER_CLOSED, ERR_PROTOCOL (what came is no answer, or
		 * cut), ERR_TOO_LARGE (a head of more than 8 KiB), ERR_TIMED_OUT (no head after `timeout` ms). Read
		 * the body, or leave its iteration: its connection is open until then.
		 */
		fetch(
			url: string | URL,
			options?: {
				method?: string;
				headers?: Headers | Iterable<readonly [string, string]> | Record<string, string>;
				body?: BodyInit;
				timeout?: number;
			},
		): Promise<Response>;
	};
}
