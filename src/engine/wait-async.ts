/**
 * Resolves when the 32-bit word at byte offset `at` no longer holds `value`, without blocking the thread.
 * For threads that have an event loop to run; a device's thread uses the engine's blocking wait.
 */
export async function wordChanged(buffer: SharedArrayBuffer, at: number, value: number): Promise<void> {
  const words = new Int32Array(buffer);
  while (Atomics.load(words, at / 4) === (value | 0)) {
    const waiting = Atomics.waitAsync(words, at / 4, value);
    if (waiting.async) await waiting.value;
  }
}
