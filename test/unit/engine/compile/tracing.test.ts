/**
 * @file What makes a step recordable: no branch on a value, no value read inside it, tracing without effects, and the same feeds and
 * fetches in every call.
 */
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { GraphRunner } from '../../../../src-main/engine/compile/graph-runner.ts';
import type { Entry, ProgramOptions } from '../../../../src-main/engine/compile/program.ts';
import { encodeSavedModel } from '../../../../src-main/engine/compile/protobuf.ts';
import type { TensorFlowBinding } from '../../../../src-main/engine/device/tensorflow-binding.ts';
import { makeTensor } from '../../../../src-main/engine/ops/tensor.ts';
import { decode } from '../../../../src-main/engine/recipes/decode.ts';
import { makeTestFolder, writeRandomModel } from '../peft/random-model.ts';
import { openBinding } from '../support/open-binding.ts';
import { openTinyRun, type TinyRun, type TinyRunOptions } from '../support/tiny-run.ts';
import { evaluate, largestGapOf, logitsOf, randomBatch, trainStep } from '../support/tiny-steps.ts';

const place = await makeTestFolder();
const { dir } = await writeRandomModel(place('model'));

let binding: TensorFlowBinding;
beforeAll(async () => (binding = await openBinding()));

async function openRun(options: Partial<TinyRunOptions> = {}): Promise<TinyRun> {
  const run = await openTinyRun({ binding, dir, mode: 'eager', peft: { lora_dropout: 0.1 }, ...options });
  onTestFinished(() => run.dispose());
  return run;
}

/** Runs every entry at least once. */
async function callAll(run: TinyRun, seed: number, lengths: readonly number[] = [7, 12]): Promise<void> {
  const batch = randomBatch(seed, lengths);
  const other = randomBatch(seed + 50, lengths);
  trainStep(run, run.accumulate ? [batch, other] : [batch], { step: seed });
  evaluate(run, batch);
  logitsOf(run, batch);
  const { program, model } = run;
  await decode({
    ...{ program, model, maxNewTokens: 3, padTokenId: 0 },
    prompts: [batch.inputIds.subarray(0, 3), batch.inputIds.subarray(1, 5)],
    choose: (logits) => logits.indexOf(Math.max(...logits)),
    isEnd: () => false,
  });
}

/** The binding with some of its functions replaced; a copy, because the binding's own properties cannot be overridden. */
function withReplaced(functions: Partial<TensorFlowBinding>): TensorFlowBinding {
  return {
    createTensor: (...args) => binding.createTensor(...args),
    deleteTensor: (id) => binding.deleteTensor(id),
    tensorDataSync: (id) => binding.tensorDataSync(id),
    executeOp: (...args) => binding.executeOp(...args),
    getNumOfTensors: () => binding.getNumOfTensors(),
    loadSavedModel: (...args) => binding.loadSavedModel(...args),
    deleteSavedModel: (id) => binding.deleteSavedModel(id),
    runSavedModel: (...args) => binding.runSavedModel(...args),
    isUsingGpuDevice: () => binding.isUsingGpuDevice(),
    TF_Version: binding.TF_Version,
    ...functions,
  };
}

/** All entries as one graph. */
function traceAll({ entries, groups }: ProgramOptions): GraphRunner {
  const graph = new GraphRunner();
  for (const variable of Object.values(groups).flat()) graph.declare(variable);
  for (const entry of entries) {
    graph.traceEntry(entry.name, entry.inputs, (ids) => {
      const inputs = Object.entries(entry.inputs).map(([name, { dtype, shape }]) => {
        return [name, makeTensor(graph, ids[name]!, dtype, shape)] as const;
      });
      return entry.run(graph, Object.fromEntries(inputs));
    });
  }
  return graph;
}

describe('a step', () => {
  it.each([false, true])('runs the same ops whatever the values are (gradients added up: %s)', async (accumulate) => {
    const ops: string[] = [];
    const device = withReplaced({
      executeOp(name, attrs, inputs, outputs) {
        ops.push(`${name} ${JSON.stringify(attrs)}`);
        return binding.executeOp(name, attrs, inputs, outputs);
      },
    });
    const run = await openRun({ device, accumulate });
    const opsOf = async (seed: number): Promise<string[]> => {
      ops.length = 0;
      await callAll(run, seed);
      return [...ops];
    };
    const first = await opsOf(1);
    expect(first.length).toBeGreaterThan(500);
    expect(await opsOf(2)).toEqual(first);
  });

  it('reads no value back', async () => {
    let inside = false;
    let reads = 0;
    const device = withReplaced({
      tensorDataSync(id) {
        if (inside) throw new Error('a value was read inside a step');
        reads += 1;
        return binding.tensorDataSync(id);
      },
    });
    const wrapEntry = (entry: Entry): Entry => ({
      ...entry,
      run(runner, inputs) {
        inside = true;
        try {
          return entry.run(runner, inputs);
        } finally {
          inside = false;
        }
      },
    });
    await callAll(await openRun({ device, wrapEntry }), 3);
    expect(reads).toBeGreaterThan(5);
  });

  it('that fails changes no variable and leaves no tensor behind', async () => {
    let fails = false;
    const wrapEntry = (entry: Entry): Entry => ({
      ...entry,
      run(runner, inputs) {
        const outputs = entry.run(runner, inputs);
        if (fails) throw new Error('on purpose');
        return outputs;
      },
    });
    const run = await openRun({ wrapEntry });
    const step = (): unknown => trainStep(run, [randomBatch(4, [7, 12])]);
    step();
    const alive = binding.getNumOfTensors();
    const state = run.program.readVariables('state');
    fails = true;
    expect(step).toThrow('on purpose');
    expect(step).toThrow('on purpose');
    expect(binding.getNumOfTensors()).toBe(alive);
    fails = false;
    evaluate(run, randomBatch(4, [7, 12]));
    expect(largestGapOf(run.program.readVariables('state'), state)).toBe(0);
  });
});

describe('tracing', () => {
  it('changes nothing and writes the same graph each time', async () => {
    const run = await openRun({ checkpointing: true });
    await callAll(run, 5);
    const alive = binding.getNumOfTensors();
    const before = ['state', 'frozen'].map((group) => run.program.readVariables(group));
    const [first, second] = [traceAll(run.options), traceAll(run.options)].map(({ nodes }) => encodeSavedModel(nodes));
    expect(Buffer.compare(first!, second!)).toBe(0);
    ['state', 'frozen'].forEach((group, index) => {
      expect(largestGapOf(run.program.readVariables(group), before[index]!)).toBe(0);
    });
    expect(binding.getNumOfTensors()).toBe(alive);
  });

  it('does not depend on what has run before', async () => {
    const [used, fresh] = [await openRun(), await openRun()];
    await callAll(used, 6);
    const graphs = [used, fresh].map(({ options }) => encodeSavedModel(traceAll(options).nodes));
    expect(Buffer.compare(graphs[0]!, graphs[1]!)).toBe(0);
  });

  it('refuses a variable that is assigned twice, as an eager step does', async () => {
    const wrapEntry = (entry: Entry): Entry => ({
      ...entry,
      run(runner, inputs) {
        const outputs = entry.run(runner, inputs);
        if (entry.name === 'train') entry.run(runner, inputs);
        return outputs;
      },
    });
    const run = await openRun({ wrapEntry });
    expect(() => trainStep(run, [randomBatch(4, [7])])).toThrow('assigned twice');
    expect(() => traceAll(run.options)).toThrow('assigned twice');
  });
});

describe('a compiled program', () => {
  it('feeds and fetches the same names in every call of an entry', async () => {
    const calls = new Map<string, Set<string>>();
    const recorder = withReplaced({
      runSavedModel(id, inputs, inputNames, outputNames) {
        const first = outputNames.split('/')[0]!;
        calls.set(first, (calls.get(first) ?? new Set()).add(`${inputNames} -> ${outputNames}`));
        return binding.runSavedModel(id, inputs, inputNames, outputNames);
      },
    });
    const run = await openRun({ binding: recorder, mode: 'compiled' });
    calls.delete('asked'); // what the machine can do, product-sums.ts
    await callAll(run, 7, [7, 12]);
    await callAll(run, 8, [20]);
    await callAll(run, 9, [3, 5, 15]);
    const sets = [...calls].map(([name, variants]) => [name, variants.size]);
    // Two groups have variables that must be given a value.
    const wanted = { initialize: 2, train: 1, evaluate: 1, logits: 1, prefill: 1, decode: 1 };
    expect(Object.fromEntries(sets)).toEqual(wanted);
  });

  it('opens and closes without a tensor left', async () => {
    const alive = binding.getNumOfTensors();
    const run = await openTinyRun({ binding, dir, mode: 'compiled' });
    await callAll(run, 1);
    run.dispose();
    expect(binding.getNumOfTensors()).toBe(alive);
  });
});
