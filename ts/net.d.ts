// SPDX-License-Identifier: MIT
//
// TCP and UDP (needs: [{ service: "tcpip" }]).

declare module "starina" {
	/**
	 * A TCP connection. It is its own iteration: `for await (const bytes of connection)` ends when the peer has
	 * ended its direction, and closes the connection when it is left early.
	 */
	export interface Connection extends AsyncIterableIterator<Uint8Array> {
		/** The peer: "10.0.2.2:41234". */
		readonly peer: string;
		/** The next bytes; null when the peer has ended its direction. Rejects with ERR_PEER_CLOSED when it is reset. */
		read(): Promise<Uint8Array | null>;
		next(): Promise<IteratorResult<Uint8Array, undefined>>;
		return(): Promise<IteratorResult<Uint8Array, undefined>>;
		[Symbol.asyncIterator](): Connection;
		/**
		 * Resolves when it was passed on, which waits for a peer that does not read: some 1 MiB may be on its
		 * way. What is written stays in order. Until then the bytes must not change.
		 */
		write(data: string | Uint8Array): Promise<void>;
		/** Ends our direction, after what was written; the peer's goes on. */
		end(): Promise<void>;
		/** Closes it; what was passed on is still sent. */
		close(): void;
		readonly closed: boolean;
	}

	/** A port that is listened at: `for await (const connection of listener)`. */
	export interface Listener extends AsyncIterableIterator<Connection> {
		next(): Promise<IteratorResult<Connection, undefined>>;
		return(): Promise<IteratorResult<Connection, undefined>>;
		[Symbol.asyncIterator](): Listener;
		/** Listens no more; connections stay. */
		close(): void;
	}

	export interface Datagram {
		bytes: Uint8Array;
		/** Who has sent it. */
		address: string;
		port: number;
	}

	/** A UDP socket: `for await (const { bytes, address, port } of socket)`. As in the network, datagrams may be lost. */
	export interface Datagrams extends AsyncIterableIterator<Datagram> {
		next(): Promise<IteratorResult<Datagram, undefined>>;
		return(): Promise<IteratorResult<Datagram, undefined>>;
		[Symbol.asyncIterator](): Datagrams;
		/** Sends at most 65,507 bytes: of udp.bind to an address (not a name), of udp.connect to its peer. */
		send(data: string | Uint8Array, address?: string, port?: number): Promise<void>;
		close(): void;
	}

	export const net: {
		/** A connection to an address or name. Rejects with ERR_REFUSED, ERR_NOT_FOUND (no such host), ERR_TIMED_OUT. */
		connect(host: string, port: number): Promise<Connection>;
		/** Listens at all addresses, or at one. Rejects with ERR_EXISTS (the port is in use), ERR_INVALID (no address of ours). */
		listen(port: number, options?: { address?: string }): Promise<Listener>;
		readonly udp: {
			/** Datagrams from and to anybody. */
			bind(port: number, options?: { address?: string }): Promise<Datagrams>;
			/** Datagrams from and to one peer. */
			connect(host: string, port: number): Promise<Datagrams>;
		};
	};
}
