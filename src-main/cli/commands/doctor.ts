/** @file tunesmith doctor */
import type { Command } from 'commander';
import type { RunAction } from '../command.ts';

const MARKS = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' } as const;

export function addDoctorCommand(parent: Command, run: RunAction): void {
  parent
    .command('doctor')
    .description('check this machine: engine, memory, disk, and what mends each fault')
    .addHelpText('after', '\nExample:\n  $ tunesmith doctor')
    .action(() =>
      run(async ({ reporter, services }) => {
        const [{ runDoctor }, { AppError }] = await Promise.all([
          import('../../services/doctor.ts'),
          import('../../../src-shared/domain/app-error.ts'),
        ]);
        const checks = await runDoctor(await (await services()).weightCache.read());
        for (const check of checks) reporter.event({ event: 'check', ...check });
        const lines = checks.map(({ name, state, detail, fix }) => {
          return `${MARKS[state]}  ${name}: ${detail}${fix ? `\n      ${fix}` : ''}`;
        });
        const failed = checks.filter(({ state }) => state === 'fail');
        if (failed.length === 0) return reporter.result({ checks }, lines.join('\n'));
        reporter.write(`${lines.join('\n')}\n`);
        const faults = failed.map(({ name, detail, fix }) => ({ field: name, message: detail, hint: fix }));
        throw new AppError('doctor/faults', `${failed.length} of ${checks.length} checks failed`, {
          kind: 'environment',
          faults,
        });
      }),
    );
}
