// SPDX-License-Identifier: MIT
//
// What an app in TypeScript imports from "starina", and what is there without an import. The other
// files of this folder add to it.

declare module "starina" {
	/** What an app needs: one of these, and whether it can do without. */
	export type Need = (
		/** A service, by its name: env.service(name). */
		| { service: string }
		/** A device, by its `compatible`: env.device(name). Only apps of the image have devices. */
		| { device: string }
		/** A value that whoever starts the app gives; without a fallback it must: env.config(name). */
		| { config: string; fallback?: string }
		/** Memory of `size` bytes that outlives the app's process. Only apps of the image have it. */
		| { kept: string; size: number }
		/** The right to start and to kill apps. Only apps of the image have it. */
		| { system: true }
		/** The right to make processes. Only apps of the image have it. */
		| { launcher: true }
		/** The right to be told what the system does. Only apps of the image have it. */
		| { look: true }
	) & { optional?: boolean };

	/** What an app is: the argument of app(). */
	export interface AppSpec {
		/** Letters, digits and _, at most 23. */
		name: string;
		/** At most 16. */
		needs?: Need[];
		/** The names of the services that it provides, at most 4. */
		provides?: string[];
		/** Bytes of memory, 16 MiB if it is not said, of stack, and how many handles. */
		limits?: { memory?: number; stack?: number; handles?: number };
		/** When it is started again: "never" if it is not said. */
		restart?: "never" | "on fault" | "always";
		/**
		 * The app's life. When it has ended, and the app waits for nothing any more, the app ends with
		 * status 0. What it throws ends the app with a fault.
		 */
		main(env: Env): void | Promise<void>;
	}

	/** What the app needs, as it is there. */
	export interface Env {
		/** The app's name; of an instance with its number. */
		readonly name: string;
		/** How often it was started again. */
		readonly restarts: number;
		/** The value of a configuration; undefined for an optional one that is not set. */
		config(name: string): string | undefined;
	}

	/** Says what an app is: `export default app({ name: "hello", main() { ... } })`. */
	export function app(spec: AppSpec): AppSpec;

	/** The log: what is given is shown as console.log shows it. */
	export const log: {
		error(...values: unknown[]): void;
		warn(...values: unknown[]): void;
		info(...values: unknown[]): void;
		debug(...values: unknown[]): void;
	};

	/** Milliseconds later. */
	export function sleep(ms: number): Promise<void>;
	export const timer: { sleep(ms: number): Promise<void> };
	/** Nanoseconds since the machine's start. */
	export function now(): bigint;

	/**
	 * What the app's JavaScript holds: bytes of memory; handles that its objects own; and how many
	 * handles, since its start, were closed only because nobody referred to their object any more: each
	 * is a close() that is missing. With `collect` garbage is collected first. What the process takes
	 * as a whole says `./starina ps`.
	 */
	export function usage(options?: { collect?: boolean }): {
		memory: number;
		handles: number;
		forgotten: number;
	};

	/** The system's error numbers by their names, without ERR_ (libs/abi/error.h). */
	export const ERR: Readonly<Record<ErrorName, number>>;

	/** The names of the system's errors, without ERR_. */
	export type ErrorName =
		| "INVALID" | "ADDRESS" | "RANGE" | "TOO_LARGE" | "NOT_SUPPORTED" | "BAD_HANDLE"
		| "WRONG_TYPE" | "ACCESS" | "BAD_STATE" | "EXISTS" | "NOT_FOUND" | "CYCLE"
		| "NOT_EMPTY" | "IS_FOLDER" | "NOT_FOLDER" | "READ_ONLY" | "NO_MEMORY" | "LIMIT"
		| "FULL" | "EMPTY" | "NO_SPACE" | "PEER_CLOSED" | "NOT_READY" | "TIMED_OUT"
		| "PROTOCOL" | "IO" | "REFUSED";
}

declare const console: {
	error(...values: unknown[]): void;
	warn(...values: unknown[]): void;
	info(...values: unknown[]): void;
	log(...values: unknown[]): void;
	debug(...values: unknown[]): void;
};
declare function setTimeout<A extends unknown[]>(fn: (...args: A) => void, ms?: number, ...args: A): number;
declare function setInterval<A extends unknown[]>(fn: (...args: A) => void, ms?: number, ...args: A): number;
declare function clearTimeout(id: number | undefined): void;
declare function clearInterval(id: number | undefined): void;
declare function queueMicrotask(fn: () => void): void;
declare function structuredClone<T>(value: T): T;

/** UTF-8, as the standard "Encoding" has it. */
declare class TextEncoder {
	readonly encoding: string;
	encode(text?: string): Uint8Array<ArrayBuffer>;
	encodeInto(text: string, into: Uint8Array): { read: number; written: number };
}
declare class TextDecoder {
	constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
	readonly encoding: string;
	readonly fatal: boolean;
	readonly ignoreBOM: boolean;
	decode(input?: ArrayBufferView | ArrayBuffer, options?: { stream?: boolean }): string;
}

/** The standard "URL", for http, https, ws and wss with hosts of ASCII; others throw a TypeError. */
declare class URL {
	constructor(input: string | URL, base?: string | URL);
	static parse(input: string | URL, base?: string | URL): URL | null;
	static canParse(input: string | URL, base?: string | URL): boolean;
	href: string;
	readonly origin: string;
	readonly protocol: string;
	username: string;
	password: string;
	readonly host: string;
	hostname: string;
	port: string;
	pathname: string;
	search: string;
	readonly searchParams: URLSearchParams;
	hash: string;
	toString(): string;
	toJSON(): string;
}
declare class URLSearchParams implements Iterable<[string, string]> {
	constructor(init?: string | Iterable<readonly [string, string]> | Record<string, string>);
	readonly size: number;
	append(name: string, value: string): void;
	delete(name: string, value?: string): void;
	get(name: string): string | null;
	getAll(name: string): string[];
	has(name: string, value?: string): boolean;
	set(name: string, value: string): void;
	sort(): void;
	forEach(fn: (value: string, name: string, params: URLSearchParams) => void, self?: unknown): void;
	entries(): IterableIterator<[string, string]>;
	keys(): IterableIterator<string>;
	values(): IterableIterator<string>;
	[Symbol.iterator](): IterableIterator<[string, string]>;
	toString(): string;
}
