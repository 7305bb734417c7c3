// SPDX-License-Identifier: MIT
// The icons, drawn with lines on a grid of 24.

const PATHS = {
	overview: "M4 5h6v6H4zM14 13h6v6h-6zM10 8h4a3 3 0 0 1 3 3v2",
	processes: "M4 6h16M4 12h16M4 18h10",
	logs: "M6 3h9l4 4v14H6zM14 3v5h5M9 12h7M9 16h7",
	terminal: "M3 5h18v14H3zM7 9l3 3-3 3M12 15h5",
	files: "M3 6h6l2 2h10v11H3z",
	trace: "M3 7h7M8 12h9M13 17h8",
	dark: "M20 14.5A8 8 0 1 1 9.5 4a6.5 6.5 0 0 0 10.500 10.500z",
	light: "M12 8a4 4 0 1 0 0 8a4 4 0 0 0 0-8M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.400 1.400M17.600 17.600 19 19M5 19l1.400-1.400M17.600 6.400 19 5",
	search: "M11 4a7 7 0 1 0 0 14a7 7 0 0 0 0-14M16 16l5 5",
	folder: "M3 6h6l2 2h10v11H3z",
	file: "M6 3h9l4 4v14H6zM14 3v5h5",
	link: "M9 15l6-6M8 11l-2 2a3.500 3.500 0 0 0 5 5l2-2M16 13l2-2a3.500 3.500 0 0 0-5-5l-2 2",
	close: "M6 6l12 12M18 6L6 18",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
	return (
		<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
			<path d={PATHS[name]} />
		</svg>
	);
}
