// SPDX-License-Identifier: MIT
//
// log and console: lines of the system's log.
import { write } from "native:log";
import { text } from "./inspect.js";

const line = level => (...values) => write(level, values.map(text).join(" "));

export const log = { error: line(0), warn: line(1), info: line(2), debug: line(3) };
export const console = { ...log, log: log.info, trace: log.debug };
