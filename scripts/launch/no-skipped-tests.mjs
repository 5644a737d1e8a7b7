/**
 * @file Vitest reporter: in CI a skipped test fails the run. A suite that a machine cannot run is a command not called.
 */

/** @typedef {import('vitest/node').TestModule} TestModule */

export class NoSkippedTests {
  /** @param {readonly TestModule[]} modules */
  onTestRunEnd(modules) {
    const skipped = modules.flatMap((module) => [...module.children.allTests()].filter(isSkipped));
    if (skipped.length === 0 || !process.env.CI) return;
    const names = skipped.map((test) => `  ${test.module.relativeModuleId}: ${test.fullName}`);
    process.stderr.write(`Skipped tests count as faults in CI:\n${names.join('\n')}\n`);
    process.exitCode = 1;
  }
}

/** @param {import('vitest/node').TestCase} test */
function isSkipped(test) {
  return test.result().state === 'skipped';
}

// Vitest takes a reporter from a module's default export.
export default NoSkippedTests;
