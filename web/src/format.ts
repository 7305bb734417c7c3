// SPDX-License-Identifier: MIT
// Numbers for people.

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

export function bytes(value: number): string {
	let unit = 0;
	while (value >= 1024 && unit < UNITS.length - 1) {
		value /= 1024;
		unit++;
	}
	return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

export function count(value: number): string {
	if (value < 10_000) return String(Math.round(value));
	if (value < 10_000_000) return `${(value / 1000).toFixed(value < 100_000 ? 1 : 0)} k`;
	return `${(value / 1_000_000).toFixed(1)} M`;
}

// counted: a number of things, in words.
export function counted(value: number, thing: string): string {
	return `${count(value)} ${thing}${value === 1 ? "" : "s"}`;
}

// rate: so many a second.
export function rate(value: number): string {
	return value > 0 && value < 10 ? value.toFixed(1) : count(value);
}

export function percent(part: number): string {
	const value = part * 100;
	return `${value >= 0.05 && value < 10 ? value.toFixed(1) : Math.round(value)} %`;
}

export function duration(ms: number): string {
	const seconds = ms / 1000;
	if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
	const minutes = Math.floor(seconds / 60);
	if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
	const hours = Math.floor(minutes / 60);
	return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export function cpuTime(ns: number): string {
	return ns < 1e6 ? `${Math.round(ns / 1000)} µs` : ns < 1e9 ? `${Math.round(ns / 1e6)} ms` : duration(ns / 1e6);
}

// sinceBoot: seconds with milliseconds.
export function sinceBoot(ns: number): string {
	return (ns / 1e9).toFixed(3);
}

// visible: text with its control characters shown as pictures, so that none of them can hide or reorder what is beside it.
export function visible(text: string): string {
	return text.replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, (c) => {
		const code = c.charCodeAt(0);
		if (code < 0x20) return String.fromCharCode(0x2400 + code);
		return code === 0x7f ? "\u2421" : "\ufffd";
	});
}
