import { ExampleContainer } from "./container.ts";
import { hex } from "./hex.ts";

/*
 * The smallest program: boot a machine, give a container a memory map in one call, and look at the entries it made.
 * 2 MiB of the guest's RAM become one superpage leaf, because iova and vaddr are congruent and the frames contiguous.
 *
 *     npm run build && node dist/examples/01-first-map.js
 *
 * Expected output:
 *     set map: 0
 *     0x400000: level 1 leaf
 *     0x600000: level 0 leaf
 *     0x601000: not present
 *     the frame behind 0x400000 has 1 pin
 */
const container = new ExampleContainer();
const ram = container.process.mmap(8 << 20, "thp");
const result = container.setMap([{ iova: 0x400000n, size: 0x201000n, vaddr: ram }]);
console.log(`set map: ${result}`);
for (const iova of [0x400000n, 0x600000n, 0x601000n]) {
  const found = container.walk(iova);
  console.log(`${hex(iova)}: ${found === null ? "not present" : `level ${found.level} leaf`}`);
}
const frame = Number(container.walk(0x400000n)!.address >> 12n);
console.log(`the frame behind 0x400000 has ${container.kernel.framePins(frame as never)} pin`);
