import { EditScript, type Step } from "../../src/edit-script/index.ts";
import { inPlace, type Recording } from "../recording.ts";
import type { Row } from "../row.ts";
import { fragmentedRow, grouped, moving, PAGES } from "./check-scattered.ts";

/** Store, barrier, invalidation, wait and unpin of one page after the other. */
function stepsByPage(): { readonly recording: ReturnType<typeof inPlace>; readonly pages: Step[][] } {
  const recording = inPlace(moving(), "each page");
  const steps = [...recording.input.script];
  const perPage = steps.length / recording.stores;
  const pages = Array.from({ length: recording.stores }, (_, i) =>
    steps.slice(i * perPage, (i + 1) * perPage),
  );
  return { recording, pages };
}

/** A linear congruential generator: no reader needs better chance. */
const MULTIPLIER = 1_103_515_245;
const INCREMENT = 12_345;
const MODULUS = 2 ** 31;

/** The same pages one by one as they come to be freed: in no order. */
function inRandomOrder(): Recording {
  const { recording, pages } = stepsByPage();
  let chance = 1;
  for (let i = pages.length - 1; i > 0; i--) {
    chance = Number((BigInt(chance) * BigInt(MULTIPLIER) + BigInt(INCREMENT)) % BigInt(MODULUS));
    const j = Math.floor((chance / MODULUS) * (i + 1));
    [pages[i], pages[j]] = [pages[j]!, pages[i]!];
  }
  return { ...recording, input: { ...recording.input, script: EditScript.from(pages.flat()) } };
}

/** Two domains walk the same tables: every page is invalidated for both, and decided for each. */
function forTwoDomains(): Recording {
  const { recording, pages } = stepsByPage();
  const [domain] = recording.input.domains;
  const other = { ...domain!, id: domain!.id + 1 };
  const steps = pages
    .flat()
    .flatMap((step): Step[] => (step.op === "invalidate" ? [step, { ...step, domain: other.id }] : [step]));
  const input = { ...recording.input, domains: [domain!, other], script: EditScript.from(steps) };
  return { ...recording, input };
}

export const orderCheckRows: readonly Row[] = [
  fragmentedRow(`decide ${grouped(PAGES)} of them page by page, in random order`, inRandomOrder),
  fragmentedRow(
    `decide ${grouped(PAGES)} of them page by page, for two domains with the same tables`,
    forTwoDomains,
  ),
];
