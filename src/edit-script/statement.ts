/** What traces put before a line ends here. */
const TRACE_MARK = "hitless: ";
/** What ftrace puts there: a task, whose name may hold any sign, its number and its CPU. A line that begins with "#" is a comment. */
const TRACED = /^(?!#)\s*(?:(?!\s#).){1,16}?-\d+\s+(?:\(.*?\)\s+)?\[\d+\].*hitless: /;

/** The statement in a line: without what a trace puts before it, and without its comment. */
export function statementIn(raw: string): string {
  const text = TRACED.test(raw) ? raw.slice(raw.indexOf(TRACE_MARK)) : raw;
  const hash = text.indexOf("#");
  const line = hash < 0 ? text : text.slice(0, hash);
  const mark = line.indexOf(TRACE_MARK);
  return (mark < 0 ? line : line.slice(mark + TRACE_MARK.length)).trim();
}
