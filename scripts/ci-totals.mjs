// Adds up what vitest and the examples wrote as JSON and prints "N passed, N failed" as the last line.
// Exits 1 when something failed, and also when no test ran at all.
import { readFileSync } from "node:fs";

const [testsFile, examplesFile] = process.argv.slice(2);
const read = (file) => {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    console.error(`ci-totals: no results in ${file}: ${error.message}`);
    return null;
  }
};

const tests = read(testsFile);
const examples = read(examplesFile);
if (tests === null || examples === null) process.exit(1);

/* A file that cannot be loaded has no tests to fail, yet it did fail. */
const brokenFiles = tests.testResults.filter(
  (file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
);
for (const file of brokenFiles) console.error(`ci-totals: ${file.name} could not be run: ${file.message}`);

console.log(
  `tests: ${tests.numTotalTests} in ${tests.testResults.length} files, ${tests.numPassedTests} passed, ` +
    `${tests.numFailedTests} failed, ${tests.numPendingTests} skipped, ${brokenFiles.length} files broken`,
);
console.log(`examples: ${examples.passed} passed, ${examples.failed} failed`);
const failed = tests.numFailedTests + brokenFiles.length + examples.failed;
if (tests.numPassedTests === 0) console.error("ci-totals: no test ran");
console.log(`${tests.numPassedTests + examples.passed} passed, ${failed} failed`);
process.exit(failed > 0 || tests.numPassedTests === 0 || !tests.success ? 1 : 0);
