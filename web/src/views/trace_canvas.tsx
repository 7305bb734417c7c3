// SPDX-License-Identifier: MIT
// The picture of a trace: time from left to right, a row for each lane. The wheel or + and - zoom, dragging or the arrows move.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { visible } from "../format";
import { theme } from "../ui/theme";
import type { Model, Span } from "./trace_model";

const HEAD = 22;
const ROW = 40;
const SPAN = 22;
const LABEL = 140;
const HUES = 12;

interface Window {
	from: number;
	to: number;
}

function micros(value: number): string {
	return value < 1000 ? `${value.toFixed(value < 10 ? 1 : 0)} µs` : `${(value / 1000).toFixed(value < 10_000 ? 2 : 1)} ms`;
}

// hueOf: a colour for each name, the same in each trace.
function hueOf(name: string): number {
	let sum = 0;
	for (const c of name) sum = (sum * 31 + c.codePointAt(0)!) % 997;
	return ((sum % HUES) * 360) / HUES;
}

// tickOf: a round length of time, so that there are some eight of them.
function tickOf(length: number): number {
	const rough = length / 8;
	const power = 10 ** Math.floor(Math.log10(rough));
	return [1, 2, 5, 10].map((factor) => factor * power).find((tick) => tick >= rough)!;
}

function draw(canvas: HTMLCanvasElement, model: Model, { from, to }: Window): void {
	const scale = devicePixelRatio;
	const [width, height] = [canvas.clientWidth, HEAD + model.lanes.length * ROW];
	canvas.width = width * scale;
	canvas.height = height * scale;
	canvas.style.height = `${height}px`;
	const style = getComputedStyle(canvas);
	const colour = (name: string) => style.getPropertyValue(name);
	const pen = canvas.getContext("2d")!;
	pen.scale(scale, scale);
	pen.font = "11px system-ui, sans-serif";
	const xOf = (at: number) => LABEL + ((at - from) / (to - from)) * (width - LABEL);
	const tick = tickOf(to - from);
	for (let at = Math.ceil((from - model.start) / tick) * tick; at <= to - model.start; at += tick) {
		const x = xOf(at + model.start);
		pen.fillStyle = colour("--border");
		pen.fillRect(x, HEAD, 1, height);
		pen.fillStyle = colour("--soft");
		pen.fillText(micros(at), x + 4, 14);
	}
	model.lanes.forEach((lane, i) => {
		const y = HEAD + i * ROW + 6;
		for (const span of lane.spans) {
			if (span.end < from || span.start > to) continue;
			const left = Math.max(LABEL, xOf(span.start));
			const across = Math.max(1, xOf(span.end) - left);
			pen.fillStyle = `hsl(${hueOf(span.name)} 42% ${theme.value === "dark" ? 36 : 80}%)`;
			pen.fillRect(left, y, across, SPAN);
			if (across < 28) continue;
			pen.save();
			pen.beginPath();
			pen.rect(left, y, across - 3, SPAN);
			pen.clip();
			pen.fillStyle = colour("--text");
			pen.fillText(visible(span.name), left + 5, y + 15);
			pen.restore();
		}
		pen.fillStyle = colour("--accent");
		for (const mark of lane.marks) {
			if (mark.start >= from && mark.start <= to) pen.fillRect(xOf(mark.start), y + SPAN + 1, 1, 6);
		}
		pen.fillStyle = colour("--panel");
		pen.fillRect(0, y - 6, LABEL, ROW);
		pen.fillStyle = colour("--soft");
		pen.fillText(visible(lane.name).slice(0, 21), 10, y + 15);
	});
}

// under: what is at a point of the canvas: a span, or a mark close by.
function under(canvas: HTMLCanvasElement, model: Model, { from, to }: Window, x: number, y: number): Span | null {
	const lane = model.lanes[Math.floor((y - HEAD) / ROW)];
	if (!lane || x < LABEL) return null;
	const length = (to - from) / (canvas.clientWidth - LABEL);
	const at = from + (x - LABEL) * length;
	const inMarks = (y - HEAD) % ROW > 6 + SPAN;
	if (inMarks) return lane.marks.find((mark) => Math.abs(mark.start - at) < 4 * length) ?? null;
	return lane.spans.find((span) => span.start <= at && at <= Math.max(span.end, span.start + length)) ?? null;
}

function said(span: Span, model: Model): string {
	const parts = [`${span.name} at ${micros(span.start - model.start)}`];
	if (span.end > span.start) parts.push(`for ${micros(span.end - span.start)}`);
	for (const [name, value] of Object.entries(span.args)) parts.push(`${name} ${String(value)}`);
	return visible(parts.join(", "));
}

export function TraceCanvas({ model }: { model: Model }) {
	const canvas = useRef<HTMLCanvasElement>(null);
	const [shown, setShown] = useState<Window>({ from: model.start, to: model.end });
	const [pointed, setPointed] = useState("");
	const [width, setWidth] = useState(0);
	const drag = useRef<{ x: number; shown: Window } | null>(null);
	useEffect(() => setShown({ from: model.start, to: model.end }), [model]);
	useLayoutEffect(() => {
		const watch = new ResizeObserver(([entry]) => setWidth(entry!.contentRect.width));
		watch.observe(canvas.current!.parentElement!);
		return () => watch.disconnect();
	}, []);
	useLayoutEffect(() => draw(canvas.current!, model, shown), [model, shown, theme.value, width]);
	const move = (from: number, to: number) => {
		const length = Math.min(model.end - model.start, Math.max(5, to - from));
		const start = Math.max(model.start, Math.min(model.end - length, from));
		setShown({ from: start, to: start + length });
	};
	// zoom: by a factor around a share of what is seen.
	const zoom = (factor: number, share: number) => {
		const length = shown.to - shown.from;
		const at = shown.from + share * length;
		move(at - share * length * factor, at + (1 - share) * length * factor);
	};
	const across = () => canvas.current!.clientWidth - LABEL;
	const onKey = (event: KeyboardEvent) => {
		const length = shown.to - shown.from;
		if (event.key === "+" || event.key === "=") zoom(0.6, 0.5);
		else if (event.key === "-") zoom(1 / 0.6, 0.5);
		else if (event.key === "0") move(model.start, model.end);
		else if (event.key === "ArrowLeft") move(shown.from - length / 5, shown.to - length / 5);
		else if (event.key === "ArrowRight") move(shown.from + length / 5, shown.to + length / 5);
		else return;
		event.preventDefault();
		event.stopPropagation();
	};
	return (
		<div class="timeline">
			<canvas
				ref={canvas}
				tabIndex={0}
				role="img"
				aria-label={`Timeline of ${model.harts} harts and of threads. The table below has the same in numbers. Plus and minus zoom, arrows move.`}
				onKeyDown={onKey}
				onWheel={(event) => {
					event.preventDefault();
					zoom(event.deltaY > 0 ? 1.25 : 0.8, Math.max(0, (event.offsetX - LABEL) / across()));
				}}
				onPointerDown={(event) => {
					drag.current = { x: event.offsetX, shown };
					canvas.current!.setPointerCapture(event.pointerId);
				}}
				onPointerUp={() => (drag.current = null)}
				onPointerMove={(event) => {
					if (drag.current) {
						const { x, shown: began } = drag.current;
						const by = ((x - event.offsetX) / across()) * (began.to - began.from);
						move(began.from + by, began.to + by);
						return;
					}
					const span = under(canvas.current!, model, shown, event.offsetX, event.offsetY);
					setPointed(span ? said(span, model) : "");
				}}
			/>
			<p class="legend">{pointed || "Point at something to read it. Wheel or + − zoom, drag or ← → move, 0 shows all."}</p>
		</div>
	);
}
