// SPDX-License-Identifier: MIT
// The live state of the system: one WebSocket, signals that follow it, and the way back when it is lost.

import { batch, effect, signal } from "@preact/signals";
import { ApiError, closeSocket, get, openSocket } from "./client";
import { keepLogs, nextLog } from "./logs";
import { observe } from "./rates";
import { token } from "./token";
import type { Channel, Disks, Hart, Live, Memory, Network, Process, Service, Status, Vm } from "./types";

export type Connection = "connecting" | "live" | "lost" | "locked";

export const connection = signal<Connection>("connecting");
export const status = signal<Status | null>(null);
export const processes = signal<Process[]>([]);
export const services = signal<Service[]>([]);
export const channels = signal<Channel[]>([]);
export const harts = signal<Hart[]>([]);
export const memory = signal<Memory | null>(null);
export const vms = signal<Vm[]>([]);
export const network = signal<Network | null>(null);
// null: this system does not tell of its disks.
export const disks = signal<Disks | null>(null);
// Nanoseconds of the system's clock, as of the last message.
export const time = signal(0);
// How often the system came back after it was lost.
export const reconnected = signal(0);
// The boot before this one, if it ended while the page was open.
export const rebooted = signal(false);

const INTERVAL_MS = 1000;
const WHAT = ["processes", "services", "channels", "harts", "memory", "vms", "network", "disks", "logs"];
// Without a message for three intervals and this much more, for a machine that is slow, nobody is there.
const PATIENCE_MS = 5000;
const ASK_TIMEOUT_MS = 10_000;
const RETRY_MS = [300, 600, 1200, 2500, 5000];

let socket: WebSocket | null = null;
let tries = 0;
let timer = 0;
let silence = 0;
let wasLive = false;
// Counts the attempts: what an earlier one began is dropped.
let generation = 0;

function take(message: Live): void {
	observe(message);
	time.value = message.time_ns;
	if (message.processes) processes.value = message.processes;
	if (message.services) services.value = message.services;
	if (message.channels) channels.value = message.channels;
	if (message.harts) harts.value = message.harts;
	if (message.memory) memory.value = message.memory;
	if (message.vms) vms.value = message.vms;
	if (message.network) network.value = message.network;
	if (message.disks) disks.value = message.disks;
	if (message.logs) keepLogs(message.logs);
}

// checkStatus: whether there is a system, and whether it is the same boot.
async function checkStatus(): Promise<void> {
	const now = await get<Status>("status", AbortSignal.timeout(ASK_TIMEOUT_MS));
	if (status.value && status.value.boot_id !== now.boot_id) {
		rebooted.value = true;
		keepLogs(null);
	}
	status.value = now;
}

// checkToken: fails with 401 when the system does not take the token: a WebSocket would not say why.
async function checkToken(): Promise<void> {
	await get("harts", AbortSignal.timeout(ASK_TIMEOUT_MS));
}

function retry(): void {
	const wait = RETRY_MS[Math.min(tries++, RETRY_MS.length - 1)]!;
	clearTimeout(timer);
	timer = window.setTimeout(() => void connect(), wait);
}

function lost(): void {
	if (connection.value === "live") connection.value = "lost";
	retry();
}

function pace(): number {
	return document.hidden ? 10 * INTERVAL_MS : INTERVAL_MS;
}

// drop: leaves the socket, if there is one.
function drop(): void {
	clearTimeout(silence);
	if (socket) closeSocket(socket);
	socket = null;
}

// listen: a connection says nothing when the other end has gone silently: the next message has to come in time.
function listen(): void {
	clearTimeout(silence);
	silence = window.setTimeout(() => {
		drop();
		lost();
	}, 3 * pace() + PATIENCE_MS);
}

function ask(): void {
	listen();
	socket?.send(JSON.stringify({ interval_ms: pace(), what: WHAT, logs_since: nextLog() }));
}

function open(): void {
	const mine = openSocket("live");
	socket = mine;
	listen();
	mine.onopen = ask;
	mine.onmessage = (event) => {
		listen();
		batch(() => take(JSON.parse(String(event.data)) as Live));
		tries = 0;
		if (connection.value === "live") return;
		if (wasLive) reconnected.value++;
		wasLive = true;
		connection.value = "live";
	};
	mine.onclose = () => {
		if (socket !== mine) return;
		drop();
		lost();
	};
}

async function connect(): Promise<void> {
	const mine = ++generation;
	try {
		// At first nothing is known that another boot's messages could be taken for: the socket need not wait for the answers.
		const isFirst = status.peek() === null;
		if (isFirst) open();
		await Promise.all([checkStatus(), checkToken()]);
		if (mine === generation && !isFirst) open();
	} catch (error) {
		if (mine !== generation) return;
		drop();
		clearTimeout(timer);
		if (error instanceof ApiError && error.status === 401) connection.value = "locked";
		else lost();
	}
}

// follow: starts, and starts anew with each token.
export function follow(): void {
	document.addEventListener("visibilitychange", () => {
		if (socket?.readyState === WebSocket.OPEN) ask();
	});
	effect(() => {
		const has = token.value !== "";
		clearTimeout(timer);
		generation++;
		drop();
		tries = 0;
		connection.value = has ? "connecting" : "locked";
		if (has) void connect();
	});
}
