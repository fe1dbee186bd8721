/** The kernel whose behaviour is emulated; 6.18 and 7.2 behave as 7.3. */
export type Personality = "6.1" | "6.12" | "7.3";

/** All personalities, oldest first. */
export const PERSONALITIES: readonly Personality[] = ["6.1", "6.12", "7.3"];
