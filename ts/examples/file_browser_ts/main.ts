// SPDX-License-Identifier: MIT
//
// Lists and serves what the app keeps on the state disk, and takes what is put there: STARINA_KEEP=1 ./run.sh --app-ports
// 8081:8081, push this, and curl -T FILE http://127.0.0.1:8081/
import { app, type Folder, files, http, type HttpRequest, log } from "starina";

const PORT = 8081;
const PIECE = 65536;
const TYPES: Record<string, string> = { txt: "text/plain; charset=utf-8", md: "text/plain; charset=utf-8", json: "application/json",
	png: "image/png", jpg: "image/jpeg", gif: "image/gif" };
// A file that is put here is nobody's page: its type is not guessed, and no script in it runs.
const SAFE = { "x-content-type-options": "nosniff", "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox" };

const escape = (text: string) => text.replace(/[&<>"']/g, char => `&#${char.charCodeAt(0)};`);

async function list(folder: Folder, path: string): Promise<Response> {
	const entries = (await folder.list(path)).sort((a, b) => a.name < b.name ? -1 : 1);
	const rows = entries.map(({ name, type, size = 0 }) => {
		const end = type === "folder" ? "/" : "";

		return `<tr><td><a href="${escape(encodeURIComponent(name))}${end}">${escape(name)}${end}</a><td>${end ? "" : size}`;
	});
	const html = `<!doctype html><meta charset="utf-8"><title>${escape(path)}</title><h1>${escape(path)}</h1>` +
		`<table>${path === "/" ? "" : "<tr><td><a href=\"../\">../</a>"}${rows.join("")}</table>\n`;

	return new Response(html, { headers: { ...SAFE, "content-type": "text/html; charset=utf-8" } });
}

/** The file piece by piece, as the client takes it; however the client leaves, it is closed. */
async function* pieces(folder: Folder, path: string, size: number) {
	const file = await folder.open(path);

	try {
		for (let at = 0; at < size;) {
			const piece = await file.read(at, Math.min(PIECE, size - at));

			if (piece.length === 0)
				return;
			at += piece.length;
			yield piece;
		}
	} finally {
		file.close();
	}
}

async function get(folder: Folder, path: string): Promise<Response> {
	const { type, size } = await folder.stat(path);

	if (type === "folder")
		return path.endsWith("/") ? list(folder, path) : Response.redirect(`${encodeURIComponent(path.replace(/^.*\//s, ""))}/`, 301);
	const contentType = TYPES[path.replace(/^.*\./s, "").toLowerCase()] ?? "application/octet-stream";
	return new Response(pieces(folder, path, size), { headers: { ...SAFE, "content-type": contentType, "content-length": String(size) } });
}

/** What is put is there as a whole, or not at all. */
async function put(folder: Folder, path: string, request: HttpRequest): Promise<Response> {
	const beside = `${path}.${Date.now()}.part`;
	const file = await folder.open(beside, "wx");

	try {
		let at = 0;

		for await (const piece of request.body ?? [])
			at += await file.write(at, piece);
		await file.sync();
		await folder.rename(beside, path);
	} catch (error) {
		await folder.remove(beside).catch(() => {});
		throw error;
	} finally {
		file.close();
	}
	return new Response(null, { status: 201 });
}

const STATUS: Record<string, number> = { ERR_NOT_FOUND: 404, ERR_NOT_FOLDER: 404, ERR_IS_FOLDER: 409, ERR_NOT_EMPTY: 409, ERR_EXISTS: 409,
	ERR_INVALID: 400, ERR_TOO_LARGE: 400, ERR_NO_SPACE: 507 };

async function answer(folder: Folder, request: HttpRequest): Promise<Response> {
	try {
		// With two slashes at its start it would be a host, where a folder is redirected to.
		const path = decodeURIComponent(new URL(request.url).pathname).replace(/^\/+/, "/");

		switch (request.method) {
		case "GET":
		case "HEAD":
			return await get(folder, path);
		case "PUT":
			return await put(folder, path, request);
		case "DELETE":
			await folder.remove(path);
			return new Response(null, { status: 204 });
		default:
			return new Response("GET, PUT and DELETE are what there is\n", { status: 405, headers: { allow: "GET, HEAD, PUT, DELETE" } });
		}
	} catch (error) {
		const status = error instanceof URIError ? 400 : STATUS[(error as { code?: string }).code ?? ""];

		if (status === undefined)
			throw error;
		return new Response(`${(error as Error).message}\n`, { status });
	}
}

export default app({
	name: "file_browser_ts",
	needs: [{ service: "tcpip" }, { service: "own" }],
	restart: "on fault",

	async main() {
		const folder = files.own();

		await http.serve(PORT, request => answer(folder, request));
		log.info(`open at port ${PORT}`);
	},
});
