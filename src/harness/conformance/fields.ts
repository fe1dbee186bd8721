/** Fields of a row by key; a word without `=` (a capability) is its own key. `tr=` is informative and left out. */
export function fieldMap(fields: string): Map<string, string> {
  const words = fields.split(" ").filter((word) => word !== "" && !word.startsWith("tr="));
  return new Map(
    words.map((word) => {
      const at = word.indexOf("=");
      return at < 0 ? [word, ""] : [word.slice(0, at), word.slice(at + 1)];
    }),
  );
}

/** The fields that are compared: all but `tr=`. */
export const comparedFields = (fields: string): string =>
  fields
    .split(" ")
    .filter((word) => !word.startsWith("tr="))
    .join(" ")
    .trim();
