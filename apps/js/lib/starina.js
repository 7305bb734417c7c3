// SPDX-License-Identifier: MIT
//
// The module "starina": what scripts import. Its types and its reference are ts/starina.d.ts.
export { ERR } from "native:errors";
export { channel, scope } from "./channel.js";
export { dma, fence } from "./device.js";
export { files } from "./files.js";
export { http, net } from "./lazy.js";
export { folio, folioWith, payload } from "./folio.js";
export { linux } from "./linux.js";
export { env, services } from "./services.js";
export { log } from "./log.js";
export { sleep, timer, now } from "./timers.js";
export { usage } from "./usage.js";

// The spec is read at the build: the tool that makes the script calls an app() of its own.
export function app(spec) {
	return spec;
}
