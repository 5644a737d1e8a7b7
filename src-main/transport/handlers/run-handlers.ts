/**
 * @file Runs, the queue, exports.
 */
import { parseRunConfig } from '../../../src-shared/schema/run-config.ts';
import { sampleConfig } from '../../services/sample-task.ts';
import type { CoreContext, HandlersOf } from '../core-context.ts';
import { exportHandlers } from './export-handlers.ts';

export function runHandlers(context: CoreContext): HandlersOf<'runs' | 'queue' | 'exports'> {
  return { ...historyHandlers(context), ...workHandlers(context), ...queueHandlers(context) };
}

type HistoryHandlers = Omit<HandlersOf<'runs'>, keyof WorkHandlers>;
type WorkHandlers = Pick<
  HandlersOf<'runs' | 'exports'>,
  | 'runs:start'
  | 'runs:startSample'
  | 'runs:pause'
  | 'runs:stop'
  | 'runs:resume'
  | 'runs:addEpochs'
  | 'runs:listActive'
  | 'exports:create'
  | 'exports:check'
>;

function historyHandlers({ services, guard, push, tellRun }: CoreContext): HistoryHandlers {
  const { library, runs } = services;
  const annotate = async (run: string, changes: { notes?: string; tags?: readonly string[] }) => {
    await runs.annotate(run, changes);
    await tellRun(run);
    return null;
  };
  const move = async (ids: readonly string[], work: (ids: readonly string[]) => Promise<void>) => {
    await work(ids);
    push('runs:moved', { runs: ids });
    return null;
  };
  return {
    'runs:list': (query) => library.page(query),
    'runs:listTags': () => library.tags(),
    async 'runs:get'({ run }) {
      const details = await library.details(run);
      // What is shown may be used again: "train again with other settings".
      guard.allowConfig(details.config);
      return details;
    },
    'runs:getMetrics': ({ run, after_step, limit }) => library.metrics(run, after_step, limit),
    'runs:getMetricsCsv': ({ run }) => library.metricsCsv(run),
    'runs:compare': ({ runs: ids }) => library.compare(ids),
    async 'runs:rename'({ run, name }) {
      await runs.rename(run, name);
      await tellRun(run);
      return null;
    },
    'runs:setTags': ({ run, tags }) => annotate(run, { tags }),
    'runs:setNotes': ({ run, notes }) => annotate(run, { notes }),
    'runs:trash': ({ runs: ids }) => move(ids, (all) => library.trash(all)),
    'runs:restore': ({ runs: ids }) => move(ids, (all) => library.restore(all)),
    'runs:delete': ({ runs: ids }) => move(ids, (all) => library.delete(all)),
    'runs:measure': async ({ runs: ids }) => ({ size_bytes: await library.measure(ids) }),
    async 'runs:import'({ path: folder }) {
      const { run } = await runs.show(await guard.check(folder));
      await tellRun(run.id);
      const summary = await library.summary(run.id);
      if (!summary) throw new Error(`internal: run ${run.id} vanished`);
      return summary;
    },
  };
}

function workHandlers(context: CoreContext): WorkHandlers {
  const { services, director, guard } = context;
  return {
    'runs:listActive': () => director.active(),
    async 'runs:start'({ config }) {
      const parsed = parseRunConfig(config);
      await guard.checkConfig(parsed);
      return { run: (await director.start(parsed)).id };
    },
    'runs:startSample': async () => ({ run: (await director.start(sampleConfig(services.resources))).id }),
    async 'runs:pause'({ run }) {
      await director.end(run, 'paused');
      return null;
    },
    async 'runs:stop'({ run }) {
      await director.end(run, 'stopped');
      return null;
    },
    'runs:resume': async ({ run, ...options }) => ({ run: (await director.resume(run, options)).id }),
    'runs:addEpochs': async ({ run, epochs }) => ({ run: (await director.addEpochs(run, epochs)).id }),
    ...exportHandlers(context),
  };
}

function queueHandlers({ director, guard }: CoreContext): HandlersOf<'queue'> {
  return {
    'queue:get': () => director.queue(),
    async 'queue:add'({ config }) {
      const parsed = parseRunConfig(config);
      await guard.checkConfig(parsed);
      await director.addToQueue(parsed);
      return director.queue();
    },
    async 'queue:remove'({ item }) {
      await director.removeFromQueue(item);
      return director.queue();
    },
    async 'queue:reorder'({ items }) {
      await director.reorderQueue(items);
      return director.queue();
    },
    async 'queue:hold'() {
      await director.letQueueRun(false);
      return director.queue();
    },
    async 'queue:release'() {
      await director.letQueueRun(true);
      return director.queue();
    },
  };
}
