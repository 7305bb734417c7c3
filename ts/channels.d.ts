// SPDX-License-Identifier: MIT
//
// Channels, messages, services, and what an app is given.

declare module "starina" {
	/**
	 * An object that owns a handle of the system. Its handle is closed by close(), by sending it away,
	 * or, late, when nobody refers to it any more. After that its methods throw ERR_BAD_HANDLE.
	 */
	export interface Handle {
		close(): void;
		/** Whether it was closed or sent. */
		readonly closed: boolean;
	}

	/** A message of no table, or one whose lengths or texts (UTF-8 without NUL) are not the table's: as it came. */
	export interface UnknownMessage {
		type: "unknown";
		number: number;
		data: Uint8Array;
		handles: Handle[];
	}

	/**
	 * What travels on channels, told apart by `type`. The fields are those of the C struct: 64-bit
	 * integers are bigints, others numbers, char arrays strings, other arrays typed arrays. Text that is
	 * not UTF-8 has U+FFFD in it.
	 */
	export type Message = TableMessage | UnknownMessage;

	type Optional = "tail" | "data" | "handles";

	/** A message as it is sent: `tail`, `data` and `handles` may be left out, and are empty then. */
	export type Outgoing<M extends Message = Message> = M extends unknown
		? Omit<M, Optional> & Partial<Pick<M, Extract<keyof M, Optional>>>
		: never;

	/** A message with an id, which may be left out. */
	export type Request<M extends Message = Extract<Message, { id: unknown }>> = M extends { id: unknown }
		? Omit<M, Optional | "id"> & Partial<Pick<M, Extract<keyof M, Optional | "id">>>
		: never;

	/**
	 * One end of a channel. Nothing is taken from it before the app asks for it, so a peer that is
	 * faster finds it full.
	 *
	 * It is its own iteration: `for await (const m of channel)` ends when the peer has closed it and all
	 * messages were taken, or when it is closed.
	 */
	export interface Channel extends Handle, AsyncIterableIterator<Message> {
		/**
		 * Queues a message for the peer, at once or not at all. Its handles are gone from their objects
		 * then; when it throws, they are as before. Throws ERR_FULL (see sendWait and writable),
		 * ERR_PEER_CLOSED, ERR_INVALID (a handle twice, an end of this channel), ERR_ACCESS (a handle that
		 * may not travel), ERR_BAD_STATE (a channel that has taken messages which nobody received),
		 * ERR_TOO_LARGE (a text or tail that is too long), and a TypeError that names the field for what
		 * is no such message.
		 */
		send(message: Outgoing): void;
		/** Sends, and waits for room as long as there is none. Rejects as send(), but with ERR_FULL. */
		sendWait(message: Outgoing): Promise<void>;
		/** Waits until one more send fits, or the peer is gone. */
		writable(): Promise<void>;
		/** The next message. Rejects with ERR_PEER_CLOSED at the end, ERR_BAD_HANDLE when it is closed. */
		recv(): Promise<Message>;
		next(): Promise<IteratorResult<Message>>;
		/**
		 * Has each message given to `received`, and `closed` called at the end; null: no more. Whoever
		 * waits with recv() comes first.
		 */
		onMessage(received: ((message: Message) => void) | null, closed?: () => void): void;
		/**
		 * Sends a message and waits for the one with the same id that answers it. Without an id it has one
		 * that no other request of this channel has. An answer of type "error" rejects, with its text as
		 * the message and its number as `code`. What else comes meanwhile is for recv() and others: when
		 * 16 messages wait for them, requests fail with ERR_PROTOCOL. Throws as send(), and ERR_EXISTS (a
		 * request with this id waits).
		 */
		request<A extends Message = Message>(message: Request): Promise<A>;
		/** Whether the peer is gone; it may have left messages. */
		readonly peerClosed: boolean;
		[Symbol.asyncIterator](): Channel;
	}

	/** A new channel, as its two ends. Throws ERR_LIMIT, ERR_NO_MEMORY. */
	export function channel(): [Channel, Channel];

	/** Calls `body`; what it adds is closed at its end, the last first, also when it throws. */
	export function scope<T>(
		body: (scope: { add<H extends { close(): void }>(object: H): H }) => Promise<T> | T,
	): Promise<T>;

	/** A service that this app provides: an iteration of the channels of its clients. */
	export interface Service extends AsyncIterableIterator<Channel> {
		/** The channel of the next client. */
		accept(): Promise<Channel>;
		next(): Promise<IteratorResult<Channel, never>>;
		[Symbol.asyncIterator](): Service;
	}

	export const services: {
		/** A service of the spec's `provides`. */
		provide(name: string): Service;
		/**
		 * A channel to a service of the spec's `needs`, once its provider is ready. Rejects with
		 * ERR_NOT_FOUND (an optional need that nobody meets).
		 */
		connect(name: string): Promise<Channel>;
		/**
		 * Calls `use` with a connection to the service, and again with a new one each time that the
		 * provider is gone when it ends (or has thrown ERR_PEER_CLOSED). Its end while the provider is
		 * there is the end. What it throws else, and ERR_PEER_CLOSED of another channel, closes the
		 * connection and is thrown on.
		 */
		client(name: string, use: (channel: Channel) => Promise<void> | void): Promise<void>;
	};

	/** What the app was given by its spec. Names that the spec does not have throw a TypeError. */
	export interface Env {
		/** As services.connect. */
		service(name: string): Promise<Channel>;
		/** The handle number `index` of those that who started the app has given to it, once. */
		given(index: number): Handle | undefined;
	}

	export const env: Env;
}
