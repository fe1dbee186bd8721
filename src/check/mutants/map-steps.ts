import { EditScript, type Step } from "../../edit-script/index.ts";

/** The script with each step replaced by what `change` gives for it, null for nothing; the script itself if all stay. */
export function mapSteps(script: EditScript, change: (step: Step) => Step | null): EditScript {
  let changed = false;
  const out: Step[] = [];
  for (const step of script) {
    const next = change(step);
    changed ||= next !== step;
    if (next !== null) out.push(next);
  }
  return changed ? EditScript.from(out) : script;
}
