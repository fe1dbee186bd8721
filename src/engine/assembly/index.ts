/* The engine's exports. Every function takes the offset of the control block; there is no state outside shared memory. */
export { checkedWalks, uniformTable } from "./bulk";
export { enterDevice, leaveDevice, runDevice } from "./device";
export { takeFound } from "./dirty";
export { execute } from "./execute";
export { framePins, pinFrames, unpinFrames } from "./pins";
export { claimTable, entryHigh, entryLow, readTable, tableLife, walkPage } from "./tables";
export { addAndFetch, fetch32, notify, publish32, setContext, waitWhile } from "./words";
