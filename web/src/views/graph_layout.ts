// SPDX-License-Identifier: MIT
// Where the boxes of the service graph are: clients left of what they use, with few crossings.

export interface GraphEdge {
	from: number;
	to: number;
}

export interface Place {
	x: number;
	y: number;
}

export interface Layout {
	width: number;
	height: number;
	places: ReadonlyMap<number, Place>;
}

export const BOX = { width: 150, height: 46 };
const PITCH = { x: 222, y: 64 };
// Columns may stand this close where there is little room.
const NARROW_PITCH = 168;
const SWEEPS = 4;

// ranks: how many steps each node is from one that uses nobody. An edge that closes a circle does not count.
function ranks(nodes: readonly number[], edges: readonly GraphEdge[]): Map<number, number> {
	const uses = new Map<number, number[]>(nodes.map((id) => [id, []]));
	for (const { from, to } of edges) uses.get(from)?.push(to);
	const done = new Map<number, number>();
	const open = new Set<number>();
	const visit = (id: number): number => {
		const known = done.get(id);
		if (known !== undefined) return known;
		open.add(id);
		const below = uses.get(id)!.filter((to) => !open.has(to) && uses.has(to));
		const rank = below.length ? 1 + Math.max(...below.map(visit)) : 0;
		open.delete(id);
		done.set(id, rank);
		return rank;
	};
	nodes.forEach(visit);
	return done;
}

// settle: orders a column by where its neighbours are.
function settle(column: number[], neighbours: ReadonlyMap<number, number[]>, row: Map<number, number>): void {
	const middle = (id: number): number => {
		const near = neighbours.get(id)!;
		return near.length ? near.reduce((sum, other) => sum + row.get(other)!, 0) / near.length : row.get(id)!;
	};
	const wanted = new Map(column.map((id) => [id, middle(id)]));
	column.sort((a, b) => wanted.get(a)! - wanted.get(b)! || a - b);
	column.forEach((id, i) => row.set(id, i - (column.length - 1) / 2));
}

// columnsOf: the connected nodes in columns, those that use others first.
function columnsOf(nodes: readonly number[], edges: readonly GraphEdge[]): number[][] {
	const rank = ranks(nodes, edges);
	const highest = Math.max(0, ...rank.values());
	const columns: number[][] = Array.from({ length: highest + 1 }, () => []);
	for (const id of nodes) columns[highest - rank.get(id)!]!.push(id);
	const neighbours = new Map<number, number[]>(nodes.map((id) => [id, []]));
	for (const { from, to } of edges) {
		neighbours.get(from)!.push(to);
		neighbours.get(to)!.push(from);
	}
	const row = new Map<number, number>();
	for (const column of columns) column.forEach((id, i) => row.set(id, i - (column.length - 1) / 2));
	for (let sweep = 0; sweep < SWEEPS; sweep++) {
		const order = sweep % 2 ? [...columns].reverse() : columns;
		for (const column of order) settle(column, neighbours, row);
	}
	return columns;
}

// layout: places for `nodes`, in `room` pixels across if they can; edges have both ends among them. Nodes without any edge
// are in rows below.
export function layout(nodes: readonly number[], edges: readonly GraphEdge[], room: number): Layout {
	const ends = new Set(edges.flatMap(({ from, to }) => [from, to]));
	const columns = columnsOf(nodes.filter((id) => ends.has(id)), edges);
	const alone = nodes.filter((id) => !ends.has(id));
	const rows = Math.max(...columns.map((column) => column.length));
	const fitting = (room - BOX.width) / Math.max(1, columns.length - 1);
	const pitch = Math.max(NARROW_PITCH, Math.min(PITCH.x, fitting));
	const across = Math.max(columns.length, 1 + Math.max(0, Math.floor((room - BOX.width) / pitch)));
	const places = new Map<number, Place>();
	columns.forEach((column, x) =>
		column.forEach((id, y) => places.set(id, { x: x * pitch, y: (y + (rows - column.length) / 2) * PITCH.y })),
	);
	alone.forEach((id, i) =>
		places.set(id, { x: (i % across) * pitch, y: (rows + Math.floor(i / across)) * PITCH.y }),
	);
	const used = rows + Math.ceil(alone.length / across);
	return {
		width: Math.max(columns.length, Math.min(across, alone.length)) * pitch - (pitch - BOX.width),
		height: Math.max(1, used) * PITCH.y - (PITCH.y - BOX.height),
		places,
	};
}
