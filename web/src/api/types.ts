// SPDX-License-Identifier: MIT
// What the API tells, as docs/api.md describes it. All names in it come from apps, containers and files: they are text, and
// never anything else.

export interface Status {
	version: string;
	boot_id: string;
	uptime_ms: number;
	harts: number;
	memory: { total: number; free: number };
	processes: number;
	hypervisor?: boolean;
}

export interface Process {
	id: number;
	name: string;
	mode: "user" | "kernel";
	state: string;
	started_ms: number;
	cpu_ns: number;
	memory: number;
	memory_limit?: number;
	kernel_memory?: number;
	kernel_limit?: number;
	handles: number;
	handle_limit?: number;
	threads: number;
	restarts: number;
	last_end: { how: string; status: number } | null;
}

export interface Thread {
	id: number;
	process: number;
	name?: string;
	state: string;
	hart: number | null;
	waits?: string | null;
	cpu_ns: number;
}

export interface Handle {
	handle: number;
	type: string;
	rights: string[];
	// Its number among objects of the type.
	object?: number;
	size?: number;
}

export interface App {
	name: string;
	// Of the image: it cannot be stopped, and is started again when it ends. Loaded: by the app manager.
	origin: "image" | "loaded";
	state: string;
	provides?: string[];
}

export interface Service {
	name: string;
	provider: { id: number; name: string } | null;
	state: string;
	clients: { id: number; name: string; channels: number }[];
}

export interface ChannelEnd {
	process: number;
	queued: number;
	capacity?: number;
	sent: number;
}

export interface Channel {
	id: number;
	service: string | null;
	ends: [ChannelEnd | null, ChannelEnd | null];
}

export interface Hart {
	id: number;
	idle_ns: number;
	busy_ns: number;
	switches: number;
	interrupts: number;
}

export interface Memory {
	total: number;
	free: number;
	kernel?: number;
	folios?: number;
}

export interface Vm {
	process: number;
	memory: number;
	vcpus: { exits: Record<string, number>; cpu_ns: number }[];
}

export interface NetworkInterface {
	name: string;
	up: boolean;
	address: string | null;
	gateway: string | null;
	rx_bytes: number;
	tx_bytes: number;
	rx_packets: number;
	tx_packets: number;
}

// A port of the switch: our own TCP/IP's, or a virtual machine's.
export interface NetworkPort {
	app: string;
	up: boolean;
	address: string | null;
	rx_bytes: number;
	tx_bytes: number;
	rx_packets: number;
	tx_packets: number;
	refused: number;
	overflows: number;
}

export interface Network {
	interfaces: NetworkInterface[];
	ports: NetworkPort[];
}

export interface Disk {
	name: string;
	bytes: number;
	read_only: boolean;
	reads: number;
	read_bytes: number;
	writes: number;
	written_bytes: number;
	flushes: number;
	users: string[];
}

export interface Disks {
	disks: Disk[];
	// The file system of the state disk; null: there is none.
	volumes: { total: number; free: number } | null;
}

export interface LogLine {
	seq: number;
	time_ns: number;
	level: string;
	app: string;
	text: string;
}

export interface Logs {
	next: number;
	lost: number;
	lines: LogLine[];
}

// As docker's API has it.
export interface Container {
	Id: string;
	Names: string[];
	Image: string;
	Command?: string;
	State: string;
	Status: string;
}

export interface FileEntry {
	name: string;
	kind: "file" | "folder" | "link" | "other";
	size: number;
	modified_ms?: number;
}

export interface Folder {
	path: string;
	entries: FileEntry[];
	// There are more than are told.
	more?: boolean;
}

// Chrome's trace format, the part of it that the OS writes.
export interface TraceEvent {
	name: string;
	ph: string;
	ts: number;
	dur?: number;
	pid: number;
	tid: number;
	args?: Record<string, unknown>;
}

export interface Trace {
	traceEvents: TraceEvent[];
	otherData?: Record<string, unknown>;
}

// One message of the live stream: the keys that were asked for.
export interface Live {
	time_ns: number;
	status?: Status;
	processes?: Process[];
	services?: Service[];
	channels?: Channel[];
	harts?: Hart[];
	memory?: Memory;
	vms?: Vm[];
	network?: Network;
	disks?: Disks;
	logs?: Logs;
}
