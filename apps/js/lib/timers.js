// SPDX-License-Identifier: MIT
import { start, stop, now } from "native:timers";

export { now };

const bound = (fn, args) => args.length === 0 ? fn : () => fn(...args);

export const setTimeout = (fn, ms, ...args) => start(bound(fn, args), ms, false);
export const setInterval = (fn, ms, ...args) => start(bound(fn, args), ms, true);
export const clearTimeout = stop;
export const clearInterval = stop;

export const sleep = ms => new Promise(resolve => start(resolve, ms, false));
export const timer = { sleep };
