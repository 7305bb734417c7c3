// SPDX-License-Identifier: MIT
// The frame around the views: head, navigation, and what lies over them.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { containers } from "../api/containers";
import { connection, harts, rebooted, status, time } from "../api/live";
import { setToken, tokenOf } from "../api/token";
import { counted, duration, percent, visible } from "../format";
import { hartShares } from "../api/rates";
import { Files, Terminal, Trace } from "../views/later";
import { Logs } from "../views/logs";
import { Overview } from "../views/overview";
import { Processes } from "../views/processes";
import { Notices } from "./announce";
import { Icon } from "./icons";
import { Help, listenForKeys, openPalette, overlay } from "./keys";
import { Palette } from "./palette";
import { hrefOf, route, views, type View } from "./route";
import { theme, toggleTheme } from "./theme";

const TITLES: Record<View, string> = {
	overview: "Overview",
	processes: "Processes",
	logs: "Logs",
	terminal: "Terminal",
	files: "Files",
	trace: "Trace",
};

const SHOWN: Record<View, () => JSX.Element> = {
	overview: Overview,
	processes: Processes,
	logs: Logs,
	terminal: Terminal,
	files: Files,
	trace: Trace,
};

const WORDS = { connecting: "Connecting", live: "Live", lost: "Reconnecting", locked: "Locked" };

function Head() {
	const busy = harts.value.map((_, i) => hartShares.value[i]?.at(-1) ?? 0);
	const all = busy.reduce((sum, value) => sum + value, 0) / Math.max(1, busy.length);
	return (
		<header class="head">
			<a class="brand" href={hrefOf("overview")}>
				<img src="icon.svg" alt="" width="24" height="24" />
				Starina
			</a>
			<span class={`pill ${connection.value}`} role="status">
				{WORDS[connection.value]}
			</span>
			{connection.value === "live" && (
				<p class="facts">
					<span>up {duration(time.value / 1e6)}</span>
					<span>harts {percent(all)}</span>
					{status.value && <span>{visible(status.value.version)}</span>}
					{containers.value && <span>{counted(containers.value.filter((c) => c.State === "running").length, "container")}</span>}
				</p>
			)}
			<button class="command" onClick={openPalette}>
				<Icon name="search" /> <span>Commands</span> <kbd>Ctrl K</kbd>
			</button>
			<button class="quiet" onClick={toggleTheme} aria-label={theme.value === "dark" ? "Light colours" : "Dark colours"}>
				<Icon name={theme.value === "dark" ? "light" : "dark"} />
			</button>
		</header>
	);
}

function Navigation() {
	return (
		<nav class="views" aria-label="Views">
			{views.value.map((view, i) => (
				<a key={view} href={hrefOf(view)} aria-current={route.value.view === view ? "page" : undefined}>
					<Icon name={view} />
					<span>{TITLES[view]}</span>
					<kbd aria-hidden="true">{i + 1}</kbd>
				</a>
			))}
		</nav>
	);
}

// Unlock: where the token goes when the address did not bring it.
function Unlock() {
	const [text, setText] = useState("");
	const wrong = sessionStorage.getItem("starina.token");
	return (
		<main class="unlock" id="main">
			<form
				onSubmit={(event) => {
					event.preventDefault();
					setToken(tokenOf(text));
				}}
			>
				<h1>This system is locked</h1>
				<p>
					{wrong
						? "The token is not this boot's: each boot makes a new one."
						: "Only who started the system may see and change it."}{" "}
					Open the address that <code>./run.sh</code> printed, or paste it here. It is also in{" "}
					<code>build/run/web.addr</code>.
				</p>
				<label>
					Address or token
					<input value={text} onInput={(event) => setText(event.currentTarget.value)} autocomplete="off" spellcheck={false} required />
				</label>
				<button class="primary">Open</button>
			</form>
		</main>
	);
}

function Banner() {
	if (connection.value === "lost") {
		return <p class="banner">The system does not answer. What you see is the last that it told; this page goes on trying.</p>;
	}
	if (rebooted.value) {
		return (
			<p class="banner good">
				The system was started again.{" "}
				<button class="quiet" onClick={() => (rebooted.value = false)}>
					All right
				</button>
			</p>
		);
	}
	return null;
}

export function Page() {
	const { view } = route.value;
	const main = useRef<HTMLElement>(null);
	useEffect(listenForKeys, []);
	useEffect(() => {
		document.title = `${TITLES[view]} · Starina`;
	}, [view]);
	const View = SHOWN[view];
	return (
		<>
			<a class="skip" href="#main" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
				To the content
			</a>
			<Head />
			{connection.value === "locked" ? (
				<Unlock />
			) : (
				<div class="body">
					<Navigation />
					<main id="main" ref={main} tabIndex={-1} class={view}>
						<Banner />
						<h1 class="hidden">{TITLES[view]}</h1>
						<View />
					</main>
				</div>
			)}
			{overlay.value === "palette" && <Palette />}
			{overlay.value === "help" && <Help />}
			<Notices />
		</>
	);
}
