import { workerData } from "piscina";
import { type DeviceThreadData, openMachine, serveDevice } from "../src/device/index.ts";

/** Piscina task: be this device until its control word says stop. Its results stay in shared memory. */
export default function dmaDevice(task: { device: number }): void {
  serveDevice(openMachine(workerData as DeviceThreadData), task.device);
}
