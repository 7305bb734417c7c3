// SPDX-License-Identifier: MIT
// Small parts that several views are made of.

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { visible } from "../format";

// Name: text that an app, a container or a file chose.
export function Name({ text }: { text: string }) {
	return <bdi class="name">{visible(text)}</bdi>;
}

export function Panel(props: {
	title: string;
	note?: ComponentChildren;
	tools?: ComponentChildren;
	class?: string;
	children: ComponentChildren;
}) {
	return (
		<section class={`panel ${props.class ?? ""}`} aria-label={props.title}>
			<header>
				<h2>{props.title}</h2>
				{props.note && <span class="note">{props.note}</span>}
				{props.tools && <div class="tools">{props.tools}</div>}
			</header>
			{props.children}
		</section>
	);
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
	return (
		<div class="empty">
			<p>{title}</p>
			{children && <p class="hint">{children}</p>}
		</div>
	);
}

export function Failure({ text }: { text: string }) {
	return (
		<p class="failure" role="alert">
			{visible(text)}
		</p>
	);
}

// Meter: a share from 0 to 1 as a bar.
export function Meter({ label, value, text }: { label: string; value: number; text?: string }) {
	const share = Math.max(0, Math.min(1, value));
	const level = share > 0.9 ? "high" : share > 0.75 ? "raised" : "";
	return (
		<div
			class={`meter ${level}`}
			role="meter"
			aria-label={label}
			aria-valuemin={0}
			aria-valuemax={100}
			aria-valuenow={Math.round(share * 100)}
			aria-valuetext={text ?? `${Math.round(share * 100)} %`}
		>
			<span style={{ width: `${share * 100}%` }} />
		</div>
	);
}

// Sparkline: how a value went. Of no use to a screen reader, which has the number beside it.
export function Sparkline({ values, top, length }: { values: readonly number[]; top?: number; length: number }) {
	const highest = top ?? Math.max(1, ...values);
	const step = 100 / (length - 1);
	const start = 100 - (values.length - 1) * step;
	const points = values.map((value, i) => `${(start + i * step).toFixed(1)},${(29 - (value / highest) * 28).toFixed(1)}`);
	return (
		<svg class="sparkline" viewBox="0 0 100 30" preserveAspectRatio="none" aria-hidden="true">
			{values.length > 1 && (
				<>
					<polygon points={`${start.toFixed(1)},30 ${points.join(" ")} 100,30`} />
					<polyline points={points.join(" ")} />
				</>
			)}
		</svg>
	);
}

export function Key({ children }: { children: ComponentChildren }) {
	return <kbd>{children}</kbd>;
}

// Dialog: the browser's own, which keeps the focus inside and gives it back.
export function Dialog(props: { title: string; class?: string; onClose: () => void; children: ComponentChildren }) {
	const element = useRef<HTMLDialogElement>(null);
	useLayoutEffect(() => {
		const dialog = element.current!;
		dialog.showModal();
		return () => dialog.close();
	}, []);
	return (
		<dialog
			ref={element}
			class={props.class ?? ""}
			aria-label={props.title}
			onCancel={(event) => {
				event.preventDefault();
				props.onClose();
			}}
			onClick={(event) => event.target === element.current && props.onClose()}
		>
			{props.children}
		</dialog>
	);
}
