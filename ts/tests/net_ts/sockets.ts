// SPDX-License-Identifier: MIT
//
// WebSockets: a client made by hand, which may do it wrong.
import { net } from "starina";
import { equal } from "./check";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==", ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

function handshake(fields = `Sec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\n`) {
	return `GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${fields}\r\n`;
}

/** A frame as a client sends it; 0 as the mask leaves the payload as it is. */
function frame(opcode: number, payload: string | Uint8Array, masked = true): Uint8Array {
	const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
	const length = bytes.length < 126 ? [bytes.length] : [126, bytes.length >> 8, bytes.length & 255];
	length[0]! |= masked ? 0x80 : 0;
	return Uint8Array.from([0x80 | opcode, ...length, ...masked ? [0, 0, 0, 0] : [], ...bytes]);
}

export function sockets(host: string, port: number): Record<string, () => Promise<void>> {
	/** All that the server says to these frames, after its head, until it ends. After `answers` bytes it is told to. */
	async function talk(frames: Uint8Array[], answers?: number): Promise<number[]> {
		const connection = await net.connect(host, port);
		await connection.write(handshake());
		for (const bytes of frames)
			await connection.write(bytes);
		let said: number[] = [], end = 0;
		for await (const bytes of connection) {
			said = said.concat([...bytes]);
			end = String.fromCharCode(...said).indexOf("\r\n\r\n") + 4;
			if (said.length === end + (answers ?? NaN))
				await connection.write(close);
		}
		const head = String.fromCharCode(...said.slice(0, end));
		equal(head.startsWith("HTTP/1.1 101 "), true, head);
		equal(head.includes(`Sec-WebSocket-Accept: ${ACCEPT}`), true, "the key's answer");
		return said.slice(end);
	}
	const close = frame(8, Uint8Array.of(3, 232));

	return {
		async webSockets() {
			const said = await talk([frame(1, "hü"), frame(2, Uint8Array.of(1, 2)), frame(9, "p")], 12);
			equal(said.slice(12).join(), [0x88, 2, 3, 232].join(), "its end");
			// The ping is answered at once, the others by the app.
			equal(said.slice(0, 12).filter(byte => byte !== 0x8a).sort((a, b) => a - b).join(),
				[1, 1, 2, 2, 3, 104, 112, 0x81, 0x82, 188, 195].join(), "echo");
		},
		async brokenWebSockets() {
			for (const [bytes, code] of [
				[frame(1, "unmasked", false), 1002],
				[frame(3, "no such kind"), 1002],
				[frame(1, Uint8Array.of(255)), 1007],
				[frame(2, new Uint8Array(101)), 1009],
				[Uint8Array.of(0x82, 0xff, 127, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0), 1009],
			] as const) {
				const said = await talk([bytes]);
				equal(said[0], 0x88, "it is closed");
				equal(said[2]! * 256 + said[3]!, code, `code for ${[...bytes.slice(0, 12)]}`);
			}
			for (const fields of ["", `Sec-WebSocket-Key: short\r\nSec-WebSocket-Version: 13\r\n`,
				`Sec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 12\r\n`]) {
				const connection = await net.connect(host, port);
				await connection.write(handshake(fields));
				equal(new TextDecoder().decode((await connection.read())!).slice(9, 12), "426", fields);
				connection.close();
			}
		},
	};
}
