import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ZERO_PAGE_PFN } from "../../src/kernel/mm/frames.ts";
import { ABSENT_FRAME } from "../../src/kernel/mm/pagemap.ts";
import type { FrameLayout, MemoryKind, PinnedRun } from "../../src/kernel/mm/types.ts";
import { PERSONALITIES } from "../../src/kernel/personality.ts";
import { pageToBytes, READ, vaddrPfn, WRITE } from "../../src/units/index.ts";
import { accounted, makeMachine, pinRange, unpinAll } from "./machine.ts";
import { NaiveMemory } from "./naive-memory.ts";

const ARENA = 0x2_0000_0000;
const ARENA_PAGES = 48;
const RAM_FRAMES = 1 << 14;

const KINDS: MemoryKind[] = ["anon", "pop", "thp", "ro", "none", "memfd", "memfdro", "unmapped", "bar"];

const rangeUpTo = (longest: number) =>
  fc
    .tuple(fc.integer({ min: 0, max: ARENA_PAGES - 1 }), fc.integer({ min: 1, max: longest }))
    .map(([at, length]) => ({ start: ARENA + at, pages: Math.min(length, ARENA_PAGES - at) }));
const wide = rangeUpTo(ARENA_PAGES);
const range = rangeUpTo(10);
const rights = fc.constantFrom(READ, WRITE, READ | WRITE);
const layout: fc.Arbitrary<FrameLayout> = fc.oneof(
  fc.constant({ kind: "contiguous" } as const),
  fc.integer().map((seed) => ({ kind: "fragmented", seed }) as const),
);
const operation = fc.oneof(
  fc.record({ op: fc.constant("mmap" as const), range: wide, kind: fc.constantFrom(...KINDS), layout }),
  fc.record({ op: fc.constant("mmap" as const), range, kind: fc.constantFrom(...KINDS), layout }),
  fc.record({ op: fc.constant("munmap" as const), range: wide }),
  fc.record({ op: fc.constant("mprotect" as const), range, rights: fc.constantFrom(0, READ, READ | WRITE) }),
  fc.record({ op: fc.constant("remap" as const), range }),
  fc.record({ op: fc.constant("touch" as const), range }),
  fc.record({ op: fc.constant("write" as const), range, byte: fc.integer({ min: 1, max: 255 }) }),
  fc.record({ op: fc.constant("pin" as const), range, rights }),
  fc.record({ op: fc.constant("pin" as const), range: wide, rights }),
  fc.record({ op: fc.constant("unpin" as const), which: fc.nat() }),
);

/** `toBe`, asked of every page after every operation: vitest hears only of what differs. */
function same<T>(found: T, wanted: T): void {
  if (!Object.is(found, wanted)) expect(found).toBe(wanted);
}

describe("an address space", () => {
  it("agrees with a naive per-page model under any sequence of operations", () => {
    let pinsHeld = 0;
    let reused = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...PERSONALITIES),
        fc.array(operation, { minLength: 1, maxLength: 40, size: "max" }),
        (personality, operations) => {
          const machine = makeMachine(personality, RAM_FRAMES);
          const mm = machine.newMemory();
          const naive = new NaiveMemory(personality);
          const held: PinnedRun[][] = [];
          const frameOf = new Map<number, number>();
          const everSeen = new Set<number>();
          for (const o of operations) {
            if (o.op === "unpin") {
              if (held.length > 0) unpinAll(mm, held.splice(o.which % held.length, 1)[0]!);
              continue;
            }
            const { start, pages } = o.range;
            const pinnedBefore = new Set(machine.pins.counts.keys());
            const gone = o.op === "mmap" || o.op === "munmap" || o.op === "remap";
            if (gone) for (let p = start; p < start + pages; p++) frameOf.delete(p);
            switch (o.op) {
              case "mmap":
                expect(mm.mmap({ kind: o.kind, pages, at: vaddrPfn(start), layout: o.layout })).toBe(start);
                naive.mmap(start, pages, o.kind);
                break;
              case "munmap":
                expect(mm.munmap(start, pages)).toBe(0);
                naive.munmap(start, pages);
                break;
              case "mprotect":
                expect(mm.mprotect(start, pages, o.rights)).toBe(naive.mprotect(start, pages, o.rights));
                break;
              case "remap":
                expect(mm.remap(start, pages)).toBe(0);
                naive.mmap(start, pages, "anon");
                break;
              case "touch":
                expect(mm.touch(start, pages)).toBe(naive.touch(start, pages));
                break;
              case "write": {
                let result = 0;
                for (let p = start; p < start + pages && result === 0; p++)
                  result = mm.copyToUser(pageToBytes(p), Uint8Array.of(o.byte));
                expect(result).toBe(naive.write(start, pages, o.byte));
                break;
              }
              case "pin": {
                const pinsBefore = machine.pins.total;
                const runs = pinRange(mm, start, pages, o.rights);
                const want = naive.pin(start, pages, o.rights);
                if (typeof runs === "number") {
                  expect(runs).toBe(want);
                  expect(machine.pins.total).toBe(pinsBefore);
                } else {
                  expect(accounted(runs)).toBe(want);
                  expect(machine.pins.total).toBe(pinsBefore + want);
                  held.push(runs);
                  pinsHeld++;
                }
                break;
              }
            }
            const array = mm.frameArray(vaddrPfn(ARENA), ARENA_PAGES);
            const frames = Array.from({ length: ARENA_PAGES }, (_, i) =>
              array.kind === "contiguous" ? array.base + i : array.frames[i]!,
            );
            const fromRuns = Array<number>(ARENA_PAGES).fill(ABSENT_FRAME);
            for (const run of mm.pagemap(vaddrPfn(ARENA), ARENA_PAGES))
              for (let i = 0; i < run.pages; i++) fromRuns[run.vaddrPfn - ARENA + i] = run.pfn + i;
            expect(fromRuns).toEqual(frames);
            const inUse = new Set<number>();
            const byte = new Uint8Array(1);
            for (let i = 0; i < ARENA_PAGES; i++) {
              const page = naive.pages.get(ARENA + i);
              const frame = frames[i]!;
              const read = mm.copyFromUser(byte, pageToBytes(ARENA + i));
              same(read === 0, page !== undefined && (page.rights & READ) !== 0);
              if (read === 0) same(byte[0], page!.byte);
              if (!page?.present) {
                same(frame, page?.zero ? ZERO_PAGE_PFN : ABSENT_FRAME);
                continue;
              }
              /* Its own frame, the same one as long as the page lives, and nobody else's. */
              same(inUse.has(frame), false);
              inUse.add(frame);
              const known = frameOf.get(ARENA + i);
              if (known !== undefined) same(frame, known);
              else {
                same(pinnedBefore.has(frame), false);
                frameOf.set(ARENA + i, frame);
                if (everSeen.has(frame)) reused++;
                everSeen.add(frame);
              }
            }
          }
          mm.exit();
          for (const runs of held) unpinAll(mm, runs);
          expect(machine.pins.total).toBe(0);
          expect(machine.frames.reclaim()).toBe(0);
          expect(machine.frames.freeFrames).toBe(RAM_FRAMES);
        },
      ),
      { numRuns: 200, seed: 20 },
    );
    /* The property says something only if pins were held and frames came round again. */
    expect(pinsHeld).toBeGreaterThan(100);
    expect(reused).toBeGreaterThan(100);
  });
});
