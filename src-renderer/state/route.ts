/**
 * @file Places of the app as addresses, so that a reload comes back to the same place.
 */

export const STEPS = ['data', 'model', 'method', 'precision', 'training', 'check', 'run'] as const;
export type StepId = (typeof STEPS)[number];

export type Route =
  | { readonly view: 'runs' }
  | { readonly view: 'run'; readonly run: string }
  | { readonly view: 'compare'; readonly runs: readonly string[] }
  | { readonly view: 'new'; readonly draft: string | null; readonly step: StepId | null }
  | { readonly view: 'models' }
  | { readonly view: 'data' }
  | { readonly view: 'playground'; readonly run: string | null; readonly checkpoint: number | null }
  | { readonly view: 'queue' }
  | { readonly view: 'settings' };

export type ViewName = Route['view'];

/** @returns a hash such as `#/runs/20260301-ab12` */
export function toHash(route: Route): string {
  const parts = partsOf(route).filter((part) => part !== null);
  return `#/${parts.map((part) => encodeURIComponent(part)).join('/')}`;
}

/** What is no place of ours is the home. */
export function fromHash(hash: string): Route {
  const [view, first = null, second = null] = hash.replace(/^#\/?/, '').split('/').map(decode);
  switch (view) {
    case 'runs':
      return first ? { view: 'run', run: first } : { view: 'runs' };
    case 'compare':
      return first ? { view: 'compare', runs: first.split(',') } : { view: 'runs' };
    case 'new':
      return { view: 'new', draft: first, step: STEPS.find((step) => step === second) ?? null };
    case 'playground':
      return { view: 'playground', run: first, checkpoint: second === null ? null : Number(second) };
    case 'models':
    case 'data':
    case 'queue':
    case 'settings':
      return { view };
    default:
      return { view: 'runs' };
  }
}

function partsOf(route: Route): (string | null)[] {
  switch (route.view) {
    case 'run':
      return ['runs', route.run];
    case 'compare':
      return ['compare', route.runs.join(',')];
    case 'new':
      return ['new', route.draft, route.draft === null ? null : route.step];
    case 'playground':
      return ['playground', route.run, route.checkpoint === null ? null : String(route.checkpoint)];
    default:
      return [route.view];
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
